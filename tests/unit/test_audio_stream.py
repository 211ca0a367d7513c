"""A sound that arrives in blocks gives what the whole one gives, in the memory of a window."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.test_audio_embedding import LENGTHS, sounds
from tests.unit.test_audio_model import base_style, large_style

from wavbrivl.audio.embedding import cut_windows, embed_waveforms
from wavbrivl.audio.stream import embed_streams, windows_of
from wavbrivl.errors import UserError


def in_blocks(sound, size):
    return (sound[start : start + size] for start in range(0, len(sound), size))


@given(st.integers(1, 6000), st.integers(400, 1500), st.integers(1, 3000))
@settings(deadline=None)
def test_windows_are_those_that_are_cut_from_the_whole(length, window, block):
    sound = np.arange(length, dtype=np.float32)
    parts = list(windows_of(in_blocks(sound, block), window))
    expected = cut_windows([length], window)
    assert [len(part) for part in parts] == [each.length for each in expected]
    assert np.array_equal(np.concatenate(parts), sound)


@pytest.mark.parametrize("model", [base_style(), large_style()], ids=["base", "large"])
@pytest.mark.parametrize(("batch", "block"), [(1, 700), (3, 5000), (64, 333)])
def test_streams_give_what_whole_sounds_give(model, batch, block):
    streamed = embed_streams(model, (in_blocks(sound, block) for sound in sounds()), batch)
    whole = embed_waveforms(model, sounds())
    np.testing.assert_allclose(streamed.embedding, whole.embedding, atol=1e-5)
    np.testing.assert_allclose(streamed.projection, whole.projection, atol=1e-5)
    assert streamed.embedding.dtype == streamed.projection.dtype == np.float32


def breaking(sound):
    yield from in_blocks(sound, 900)
    raise UserError("broken in the middle")


def test_a_stream_that_breaks_leaves_the_others_as_they_are():
    model, reported = base_style(), []
    streams = [in_blocks(s, 500) if i not in (2, 4) else breaking(s) for i, s in enumerate(sounds())]
    result = embed_streams(
        model, streams, 4, failed=lambda number, error: reported.append((number, str(error)))
    )
    kept = [sound for i, sound in enumerate(sounds()) if i not in (2, 4)]
    assert reported == [(2, "broken in the middle"), (4, "broken in the middle")]
    assert len(result.embedding) == len(LENGTHS) - 2
    np.testing.assert_allclose(result.embedding, embed_waveforms(model, kept).embedding, atol=1e-5)
    with pytest.raises(UserError, match="broken in the middle"):
        embed_streams(model, [breaking(sounds()[0])])


def test_no_sounds_no_samples_and_no_numbers():
    model = base_style()
    empty = embed_streams(model, [])
    assert empty.embedding.shape == (0, 12) and empty.projection.shape == (0, 8)
    with pytest.raises(UserError, match="sound 0 holds no samples"):
        embed_streams(model, [iter(())])
    huge = np.full(1600, 3e38, dtype=np.float32) * np.sign(np.sin(np.arange(1600), dtype=np.float32))
    with pytest.raises(UserError, match="sound 1 has samples so large"):
        embed_streams(model, [[sounds()[0]], [huge]])
    assert np.isfinite(embed_streams(model, [[np.zeros(1600, np.float32)]]).embedding).all()


def test_three_hours_need_the_memory_of_a_few_windows():
    """The model aside: what is cut and held."""
    second = np.zeros(16_000, dtype=np.float32)
    tracemalloc.start()
    count = sum(len(window) for window in windows_of((second for _ in range(3 * 3600)), 160_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 3 * 3600 * 16_000
    assert peak < 8 * 2**20
