"""Training from scratch: it learns, its result is a function of the seed, and the test fold is not in it."""

from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from wavbrivl.audio.build import build_model
from wavbrivl.config.evaluation import ProbeConfig, SupervisedConfig
from wavbrivl.config.models import AudioEncoderConfig, TrainingConfig, WavLMConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import Benchmark, Clip
from wavbrivl.evaluate.supervised import HeldSounds, logits_of, train_supervised
from wavbrivl.evaluate.supervised_data import fold_parts

CONFIG = SupervisedConfig(steps=40, batch_size=8, learning_rate=5e-3)
TRAINING = TrainingConfig(crop_seconds=0.2, noise_snr_db=None, gain_db=3.0)
PROBE = ProbeConfig(hidden=16, dropout=0.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    sizes = {"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 16, "conv_channels": 8}
    wavlm = WavLMConfig(**sizes, position_kernel=8, freeze=True)
    audio = AudioEncoderConfig(wavlm=wavlm, embedding_dim=16, projection_hidden=16, window_seconds=0.5)
    torch.manual_seed(3)
    build_model(audio, 12).save_pretrained(folder)
    return folder


def tone(pitch, seconds, phase=0.0):
    time = np.arange(round(seconds * 16_000)) / 16_000
    return (0.3 * np.sin(2 * np.pi * pitch * time + phase)).astype(np.float32)


def sounds(n=24):
    """Two classes of tones of different length, and their numbers."""
    held, targets = HeldSounds(), np.arange(n) % 2
    for i, target in enumerate(targets):
        held.add(tone((300, 3000)[target], 0.15 + 0.03 * (i % 5), i))
    return held, targets


def trained(model, seed=1, config=CONFIG):
    held, targets = sounds()
    return train_supervised(model, held, targets, 2, config, TRAINING, PROBE, seed, torch.device("cpu"))


def test_what_can_be_learned_is_learned_even_if_the_model_was_frozen(model):
    network = trained(model)
    held, targets = sounds(10)
    logits = logits_of(network, held, 4)
    assert logits.shape == (10, 2)
    assert (logits.argmax(axis=1) == targets).all()
    assert network.encoder.wavlm.encoder.layers[0].feed_forward.output_dense.weight.requires_grad


def test_the_result_is_a_function_of_the_seed(model):
    short = CONFIG.model_copy(update={"steps": 3})
    held, _ = sounds(4)
    first, again, other = (logits_of(trained(model, seed, short), held, 4) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_a_loss_that_is_not_finite_is_one_sentence(model):
    wild = CONFIG.model_copy(update={"learning_rate": 1e9})
    with pytest.raises(UserError, match=r"evaluate\.supervised\.learning_rate.*not finite"):
        trained(model, config=wild)


def test_held_sounds_are_what_was_given_to_a_sixteenth_bit():
    held = HeldSounds()
    wave = tone(440, 0.1)
    held.add(wave)
    assert held.clips == [SimpleNamespace(n_samples=1600)]
    assert held.audio(0) == pytest.approx(wave, abs=2 / 32767)
    assert held.audio(0, 100, 50) == pytest.approx(wave[100:150], abs=2 / 32767)


def test_a_fold_is_tested_by_what_the_others_taught(tmp_path):
    clips = []
    for fold in (1, 2, 3):
        for label in ("a", "b"):
            path = tmp_path / f"{fold}{label}.wav"
            soundfile.write(path, tone(300 * fold, 0.2), 16_000)
            clips.append(Clip(path.name, path, label, fold, path.stem))
    (tmp_path / "2a.wav").write_bytes(b"broken")
    (tmp_path / "3a.wav").unlink()
    benchmark = Benchmark("toy", tmp_path, ("a", "b"), tuple(clips))
    parts = fold_parts(benchmark, 2)
    assert parts.tested == ["2b.wav"] and len(parts.test.clips) == 1
    assert [(entry.item, entry.cause) for entry in parts.exclusions] == [("2a.wav", "unreadable")]
    assert parts.targets.tolist() == [0, 1, 1] and len(parts.train.clips) == 3
    assert parts.classes == 2
    ((name, learnt),) = parts.learnt.items()
    assert (name, learnt.coverage.expected, learnt.coverage.found) == ("all folds but 2", 4, 3)
    assert [(entry.item, entry.cause) for entry in learnt.exclusions] == [("3a.wav", "absent")]
