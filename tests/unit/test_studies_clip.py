"""CLIP in the teacher's place: the same vectors with and without gradients, and drawings that follow it."""

import numpy as np
import pytest
import torch
from tests.clip_samples import tiny_clip
from tests.drawn_samples import clips

from wavbrivl.config import parse_config
from wavbrivl.config.generation import LatentConfig, LatentDrawConfig, VqConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders import Embedded
from wavbrivl.generate.conditions import plain_conditions
from wavbrivl.generate.latent import Latent
from wavbrivl.generate.vq import build_vq
from wavbrivl.studies.clip import Clip, ClipGuide
from wavbrivl.studies.clip_conditions import in_clips_words, in_wav2clips_ears
from wavbrivl.workflow.studies import lacking_clip, lacking_wav2clip

CPU = torch.device("cpu")
LATENT = LatentConfig(
    image_size=16,
    vq=VqConfig(codes=8, code_dim=4, channels=[8, 8], groups=4),
    draw=LatentDrawConfig(steps=10, cutouts=2),
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Clip:
    return Clip(tiny_clip(tmp_path_factory.mktemp("clip")), CPU, "studies.clip")


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)


def test_pictures_embed_alike_with_and_without_gradients(clip):
    images = pictures(3)
    plain = clip.embed_images(images, batch_size=2)
    pixels = (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255).requires_grad_(True)
    learnt = clip.embed_pixels(pixels)
    np.testing.assert_allclose(learnt.detach().numpy(), plain, atol=1e-4)
    learnt[:, 0].sum().backward()
    assert pixels.grad.abs().max() > 0
    np.testing.assert_allclose(np.linalg.norm(plain, axis=1), 1, rtol=1e-5)


def test_labels_become_prompts_in_clips_space(clip):
    names = ["rail_transport", "dog"]
    conditions = plain_conditions("text", names, names, np.eye(2, 9, dtype=np.float32))
    found = in_clips_words(conditions, clip, ["a photo of {}", "{}"])
    texts = clip.embed_texts(["a photo of rail transport", "rail transport"]).mean(axis=0)
    np.testing.assert_allclose(found.vectors[0], texts / np.linalg.norm(texts), atol=1e-6)
    assert found.texts == ["rail transport", "dog"] and found.items == conditions.items


class Ears:
    """An encoder that hears the loudest sample."""

    def embed(self, waveforms, batch_size):
        return Embedded(np.stack([[wave.max(), 1.0] for wave in waveforms]).astype(np.float32))


class Sounds:
    clips = clips(4)

    def audio(self, i: int) -> np.ndarray:
        return np.full(400, i / 10, dtype=np.float32)


def test_sounds_are_heard_by_wav2clip():
    names = [clip.clip_id for clip in Sounds.clips][::-1]
    conditions = plain_conditions("audio", names, ["x"] * 4, np.eye(4, 9, dtype=np.float32))
    found = in_wav2clips_ears(conditions, Sounds(), Ears(), items=2, batch_size=8)
    assert found.items == names[:2]
    expected = np.array([[0.3, 1], [0.2, 1]])
    np.testing.assert_allclose(found.vectors, expected / np.linalg.norm(expected, axis=1)[:, None], rtol=1e-5)


def test_what_is_lacking_is_said(tmp_path):
    plain = parse_config({})
    assert lacking_clip(plain).endswith("not drawn, there is no data/weights/clip-vit-base-patch32")
    assert lacking_wav2clip(plain).startswith("not drawn, there is no data/weights/")
    weights = tmp_path / "Wav2CLIP.pt"
    weights.touch()
    models = {"wav2clip": {"kind": "wav2clip", "path": str(weights)}}
    heard = {"evaluate": {"models": models, "encoders": ["wavbrivl"]}}
    assert "it draws under CLIP's score and there is no" in lacking_wav2clip(parse_config(heard))
    drawn = heard | {"studies": {"clip": str(tiny_clip(tmp_path / "clip"))}}
    assert lacking_clip(parse_config(drawn)) == "" and lacking_wav2clip(parse_config(drawn)) == ""


def test_a_latent_follows_clips_score(clip):
    torch.manual_seed(4)
    vq = build_vq(LATENT.vq, 16).eval().requires_grad_(False)
    vq.quantize.embedding.weight.data.normal_()
    dog = plain_conditions("text", ["dog"], ["dog"], np.eye(1, 9, dtype=np.float32))
    conditions = in_clips_words(dog, clip, ["{}"])
    drawings, trace = Latent(vq, 16, ClipGuide(clip), LATENT.draw).draw(conditions, 1)
    assert drawings.rounds.shape[0] > 1 and trace["items"][0]["item"] == "dog"
    scores = [ClipGuide(clip).scores(images, conditions.vectors)[0] for images in drawings.rounds]
    assert scores[-1] >= scores[0] and drawings.rows[0].score == pytest.approx(scores[-1], abs=1e-6)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(UserError, match=r"studies\.clip: .* holds no CLIP-like model"):
        Clip(tmp_path, CPU, "studies.clip")
