"""The trained encoder and its untrained double, through a model folder; baselines through retrieval."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from wavbrivl.audio.build import build_model
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.config.models import AudioEncoderConfig, TrainingConfig, WavLMConfig
from wavbrivl.evaluate.cross_projection import cross_projection
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.gallery import Gallery, embed_split
from wavbrivl.evaluate.ranking import unit
from wavbrivl.evaluate.result import part_of
from wavbrivl.evaluate.retrieval import run_retrieval

TEACHER_DIM = 12


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    wavlm = WavLMConfig(hidden_size=16, layers=1, heads=2, intermediate_size=16, conv_channels=8)
    audio = AudioEncoderConfig(wavlm=wavlm, embedding_dim=20, projection_hidden=16, window_seconds=0.5)
    torch.manual_seed(3)
    build_model(audio, TEACHER_DIM).save_pretrained(folder)
    return EncoderSettings(device=torch.device("cpu"), seed=1, model=folder)


def sounds(n=5):
    generator = np.random.default_rng(0)
    return [generator.normal(size=4000 + 3000 * (i % 3)).astype(np.float32) for i in range(n)]


def test_the_trained_encoder_gives_both_vectors(settings):
    encoder = load_encoder("wavbrivl", settings)
    embedded = encoder.embed(sounds(), 2)
    assert embedded.embedding.shape == (5, encoder.dim) == (5, 20)
    assert np.linalg.norm(embedded.projection, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    assert embedded.projection.shape == (5, TEACHER_DIM)


def test_an_embedding_does_not_depend_on_its_neighbours(settings):
    encoder = load_encoder("wavbrivl", settings)
    together = encoder.embed(sounds(), 4).embedding
    alone = np.concatenate([encoder.embed([sound], 1).embedding for sound in sounds()])
    assert together == pytest.approx(alone, abs=1e-5)


def test_random_weights_follow_the_seed_and_are_not_the_trained_ones(settings):
    trained = load_encoder("wavbrivl", settings).embed(sounds(), 2)
    state = torch.get_rng_state()
    first = load_encoder("random", settings).embed(sounds(), 2)
    assert torch.equal(torch.get_rng_state(), state)
    again = load_encoder("random", settings).embed(sounds(), 2)
    other = load_encoder("random", EncoderSettings(settings.device, 2, settings.model)).embed(sounds(), 2)
    assert first.projection is None
    assert first.embedding.shape == trained.embedding.shape
    assert np.array_equal(first.embedding, again.embedding)
    assert not np.allclose(first.embedding, trained.embedding)
    assert not np.allclose(first.embedding, other.embedding)


class Tones:
    """Clips whose pitch is the clip's number."""

    def __init__(self, numbers):
        self.numbers = numbers
        self.clips = [SimpleNamespace(clip_id=f"v{i}_0_500") for i in numbers]

    def audio(self, i, start=0, length=None):
        pitch = 200 * 1.08 ** self.numbers[i]
        return (0.3 * np.sin(2 * np.pi * pitch * np.arange(4000) / 16_000)).astype(np.float32)


def gallery(tmp_path, tones):
    numbers = tones.numbers
    angle = np.array(numbers)[:, None] * np.linspace(0.02, 0.2, TEACHER_DIM)
    ids = [clip.clip_id for clip in tones.clips]
    images = unit(np.cos(angle)).astype(np.float32)
    return Gallery(tmp_path / "t.csv", ids, ids, ["tone"] * len(ids), images)


def test_log_mel_statistics_find_images_through_the_fitted_projection(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("wavbrivl.compute.THREADS", 1)  # matrices this small gain nothing from a second one
    tones = {"train": Tones(list(range(0, 40, 2))), "test": Tones(list(range(1, 40, 4)))}
    encoder = load_encoder("logmel", settings)
    training = TrainingConfig(batch_size=10, queue_size=20, learning_rate=3e-3)
    sounds = {split: embed_split(of_split, encoder, 8, split, True) for split, of_split in tones.items()}
    outcome = run_retrieval(
        sounds["test"],
        gallery(tmp_path, tones["test"]),
        lambda: (sounds["train"], gallery(tmp_path, tones["train"])),
        {"train": part_of(20, []), "test": part_of(10, [])},
        EvaluateConfig(bootstrap=100),
        1,
        cross_projection(training, steps=60),
        "tones",
    )
    metric = outcome.result.metrics["mrr_audio_to_image"]
    assert metric.value > 1.5 * metric.chance
    assert outcome.result.encoder == "logmel"
