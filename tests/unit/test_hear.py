"""The contract of HEAR 2021, after the list of its validator."""

import numpy as np
import pytest
import torch
from tests.unit.test_audio_model import base_style, large_style

from wavbrivl import UserError, hear

LENGTHS = [1.07, 1.98, 2.74, 4.0]


@pytest.fixture(scope="module", params=["base", "large"])
def folder(request, tmp_path_factory):
    model = {"base": base_style, "large": large_style}[request.param]()
    model.config.window_seconds = 1.0
    path = tmp_path_factory.mktemp(request.param)
    model.save_pretrained(path)
    return path


@pytest.fixture
def model(folder):
    return hear.load_model(str(folder))


def noise(model, count, seconds):
    generator = torch.Generator().manual_seed(round(100 * seconds))
    return torch.rand(count, int(seconds * model.sample_rate), generator=generator) * 2 - 1


def test_the_model_is_a_module_with_the_three_attributes(model):
    assert isinstance(model, torch.nn.Module)
    assert model.sample_rate in (16_000, 22_050, 44_100, 48_000)
    assert type(model.scene_embedding_size) is int and type(model.timestamp_embedding_size) is int
    assert model.to("cpu") is model


@pytest.mark.parametrize("seconds", LENGTHS)
def test_timestamp_embeddings(model, seconds):
    audio = noise(model, 2, seconds)
    embeddings, timestamps = hear.get_timestamp_embeddings(audio, model)
    assert embeddings.dtype == timestamps.dtype == torch.float32
    assert embeddings.device == timestamps.device == audio.device
    assert embeddings.ndim == 3 and timestamps.ndim == 2
    assert embeddings.shape[:2] == timestamps.shape and len(embeddings) == len(audio)
    assert embeddings.shape[2] == model.timestamp_embedding_size
    assert torch.isfinite(embeddings).all()
    times = timestamps.double().numpy()
    hops = np.diff(times, axis=1)
    assert np.abs(hops - hops.mean()).max() < 1  # ms: regular
    assert hops.max() <= 50
    assert times.min() >= 0 and times.min() <= hops.mean()
    assert times.max() <= 1000 * seconds
    assert times.max() >= 1000 * seconds - 2 * hops.mean()  # events at the end have an embedding


def test_timestamps_do_not_drift_over_minutes(model):
    _, timestamps = hear.get_timestamp_embeddings(noise(model, 1, 240), model)
    expected = 12.5 + 20 * np.arange(timestamps.shape[1])
    np.testing.assert_allclose(timestamps[0].numpy(), expected, atol=0.05)
    assert timestamps[0, -1] > 240_000 - 40


@pytest.mark.parametrize("seconds", LENGTHS)
def test_scene_embeddings(model, seconds):
    embeddings = hear.get_scene_embeddings(noise(model, 4, seconds), model)
    assert embeddings.dtype == torch.float32
    assert embeddings.shape == (4, model.scene_embedding_size)
    assert torch.isfinite(embeddings).all()


def test_both_orders_of_calls_give_the_same(folder):
    first, second = hear.load_model(str(folder)), hear.load_model(str(folder)).train()
    audio = noise(first, 3, 1.98)
    scenes = hear.get_scene_embeddings(audio, first)
    frames, _ = hear.get_timestamp_embeddings(audio, first)
    other_frames, _ = hear.get_timestamp_embeddings(audio, second)
    other_scenes = hear.get_scene_embeddings(audio, second)
    assert torch.equal(scenes, other_scenes) and torch.equal(frames, other_frames)
    assert torch.equal(scenes, hear.get_scene_embeddings(audio, first))


def test_a_sound_is_the_same_alone_and_in_a_batch(model):
    audio = noise(model, 3, 1.07)
    torch.testing.assert_close(
        hear.get_scene_embeddings(audio, model)[1:2],
        hear.get_scene_embeddings(audio[1:2], model),
        atol=1e-5,
        rtol=0,
    )
    torch.testing.assert_close(
        hear.get_timestamp_embeddings(audio, model)[0][1:2],
        hear.get_timestamp_embeddings(audio[1:2], model)[0],
        atol=1e-5,
        rtol=0,
    )


def test_what_it_refuses(model, tmp_path):
    for audio in (
        torch.zeros(16_000),
        torch.zeros(0, 16_000),
        torch.zeros(1, 0),
        torch.full((1, 900), torch.nan),
    ):
        with pytest.raises(ValueError):
            hear.get_scene_embeddings(audio, model)
        with pytest.raises(ValueError):
            hear.get_timestamp_embeddings(audio, model)
    with pytest.raises(UserError, match="needs the folder"):
        hear.load_model()
    with pytest.raises(UserError, match=r"config\.json is missing"):
        hear.load_model(str(tmp_path))
