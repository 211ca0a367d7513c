"""Sounds of any length: every sample is heard once, and batch-mates do not matter."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_audio_model import base_style, large_style
from transformers import WavLMConfig

from wavbrivl.audio.configuration import WavBriVLConfig
from wavbrivl.audio.embedding import cut_windows, embed_frames, embed_waveforms
from wavbrivl.audio.modeling import WavBriVLModel

LENGTHS = [1600, 900, 5, 1601, 4000, 1600, 399, 400, 900, 3200]


def sounds(lengths=LENGTHS) -> list[np.ndarray]:
    random = np.random.default_rng(4)
    return [random.normal(size=n).astype(np.float32) for n in lengths]


@given(st.lists(st.integers(1, 5000), max_size=5), st.integers(400, 2000))
def test_windows_cover_every_sample_once(lengths, window):
    for index, length in enumerate(lengths):
        mine = [w for w in cut_windows(lengths, window) if w.waveform == index]
        assert [w.start for w in mine] == [i * window for i in range(len(mine))]
        assert sum(w.length for w in mine) == length
        assert all(w.start + w.length == n.start for w, n in pairwise(mine))
        assert length < 400 or min(w.length for w in mine) >= 400
        assert max(w.length for w in mine) < window + 400


@pytest.mark.parametrize("model", [base_style(), large_style()], ids=["base", "large"])
def test_an_embedding_does_not_depend_on_its_batch_mates(model):
    together = embed_waveforms(model, sounds(), batch_size=4)
    for i, sound in enumerate(sounds()):
        alone = embed_waveforms(model, [sound])
        np.testing.assert_allclose(together.embedding[i], alone.embedding[0], atol=1e-5)
        np.testing.assert_allclose(together.projection[i], alone.projection[0], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together.projection, axis=1), 1, atol=1e-6)


def test_a_long_sound_is_the_length_weighted_mean_of_its_windows():
    model, (sound,) = base_style(), sounds([4100])
    parts = [sound[:1600], sound[1600:3200], sound[3200:]]
    with torch.no_grad():
        outputs = [model(torch.from_numpy(part)[None]) for part in parts]
    weights = np.array([1600, 1600, 900]) / 4100
    expected = sum(w * o.embedding[0].numpy() for w, o in zip(weights, outputs, strict=True))
    mean = sum(
        w * o.projection[0].numpy() / np.linalg.norm(o.projection[0])
        for w, o in zip(weights, outputs, strict=True)
    )
    result = embed_waveforms(model, [sound])
    np.testing.assert_allclose(result.embedding[0], expected, atol=1e-6)
    np.testing.assert_allclose(result.projection[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_a_sound_below_the_minimum_is_repeated_and_no_other():
    model, (sound,) = base_style(), sounds([150])
    repeated = np.concatenate([sound, sound, sound[:100]])
    np.testing.assert_allclose(
        embed_waveforms(model, [sound]).embedding, embed_waveforms(model, [repeated]).embedding, atol=1e-6
    )


@pytest.mark.parametrize("model", [base_style(), large_style()], ids=["base", "large"])
@pytest.mark.parametrize("samples", [5, 399, 400, 719, 720, 1600, 1919, 2000, 4000, 4079, 4080])
def test_frames_are_20_ms_apart_from_the_first_to_the_last(model, samples):
    (sound,) = sounds([samples])
    (frames,) = embed_frames(model, [sound])
    assert len(frames.features) == len(frames.seconds) == 1 + max(0, samples - 400) // 320
    np.testing.assert_allclose(np.diff(frames.seconds), 0.02)
    assert frames.seconds[0] == min(samples, 400) / 32_000
    assert frames.seconds[-1] < samples / 16_000 <= frames.seconds[-1] + 0.0325


def test_frames_come_from_windows_of_whole_frames_and_the_last_one_is_whole():
    model, (sound,) = base_style(), sounds([4000])  # 12 frames, 4 a window of 1600 samples
    (frames,) = embed_frames(model, [sound])
    with torch.no_grad():
        parts = [model(torch.from_numpy(sound[s : s + 1360])[None]).frames[0] for s in (0, 1280, 2560)]
    np.testing.assert_allclose(frames.features, torch.cat(parts).numpy(), atol=1e-5)
    (shorter,) = embed_frames(model, [sound[:3400]])  # 10 frames: the last window begins two frames earlier
    with torch.no_grad():
        last = model(torch.from_numpy(sound[6 * 320 : 6 * 320 + 1360])[None]).frames[0]
    np.testing.assert_allclose(shorter.features[6:], last.numpy(), atol=1e-5)


@pytest.mark.parametrize("model", [base_style(), large_style()], ids=["base", "large"])
def test_frames_do_not_depend_on_batch_mates(model):
    for together, sound in zip(embed_frames(model, sounds(), batch_size=4), sounds(), strict=True):
        (alone,) = embed_frames(model, [sound])
        np.testing.assert_allclose(together.features, alone.features, atol=1e-5)


@pytest.mark.slow
def test_at_base_s_true_size_batch_mates_and_other_lengths_change_nothing():
    torch.manual_seed(1)
    model = WavBriVLModel(WavBriVLConfig(wavlm=WavLMConfig(), teacher_dim=64, window_seconds=1.0))
    mixed = sounds([16_000, 7_000, 16_000, 23_000])
    together = embed_waveforms(model, mixed)
    for i in (1, 2, 3):
        alone = embed_waveforms(model, [mixed[i]])
        np.testing.assert_allclose(together.embedding[i], alone.embedding[0], atol=2e-5)
        np.testing.assert_allclose(together.projection[i], alone.projection[0], atol=2e-5)


@pytest.mark.parametrize("bad", [np.zeros(0), np.zeros((2, 900)), np.array([0.0, np.nan] * 400)])
def test_what_is_no_waveform_is_refused(bad):
    with pytest.raises(ValueError, match="waveform 1"):
        embed_waveforms(base_style(), [np.zeros(900, np.float32), bad.astype(np.float32)])
