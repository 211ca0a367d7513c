"""Time codes: read back through scaling, JPEG, noise and resampling, and refused where absent."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from wavbrivl.world import timecode
from wavbrivl.world.sounds import add_noise, noise, synthesize


def stamped(ms, width=854, height=480, seed=0):
    frame = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    timecode.draw(frame, ms)
    side = min(width, height)
    top, left = (height - side) // 2, (width - side) // 2
    return frame[top : top + side, left : left + side]


@settings(max_examples=40, deadline=None)
@given(ms=st.integers(0, timecode.RANGE_MS - 1), size=st.sampled_from([(854, 480), (1280, 720), (480, 854)]))
def test_picture_code_survives_scaling_and_jpeg(ms, size):
    square = cv2.resize(stamped(ms, *size), (360, 360), interpolation=cv2.INTER_AREA)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", square, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    assert timecode.read(jpeg) == ms // 10 * 10


def test_a_picture_without_code_and_a_time_out_of_range_are_refused():
    with pytest.raises(ValueError, match="no time code"):
        timecode.read(np.full((360, 360, 3), 128, dtype=np.uint8))
    for ms in (-1, timecode.RANGE_MS):
        with pytest.raises(ValueError, match="covers"):
            stamped(ms)
    with pytest.raises(ValueError, match="covers"):
        timecode.sound(timecode.RANGE_MS - 10, 1600, 16000)


def heard(start_ms, name, rate, seed, code_db=-26.0):
    rng = np.random.default_rng(seed)
    n = 2 * rate
    event = synthesize(name, rng.uniform(), rng.uniform(), 1.0, 2.0, rate, rng)
    mixed = add_noise(event, noise(n, rate, {0: 1.0}, rng), 0.0)
    mixed += 10 ** (code_db / 20) * timecode.sound(start_ms, n, rate)
    return resample_poly(mixed, 160, 441) if rate == 44100 else resample_poly(mixed, 16000, rate)


@pytest.mark.parametrize("name", ["bell", "ball", "cloud", "bird"])
@pytest.mark.parametrize("rate", [44100, 48000])
def test_sound_code_is_located_at_0_db(name, rate):
    for seed, start in enumerate((0.0, 137.3, 15021.0, 38900.0)):
        assert timecode.locate(heard(start, name, rate, seed)) == pytest.approx(start, abs=1.0)


def test_a_sound_without_code_is_refused():
    with pytest.raises(ValueError, match="no time code"):
        timecode.locate(heard(0, "cloud", 16000, 1, code_db=-200))


def test_sound_code_is_cut_anywhere_without_change():
    whole = timecode.sound(5000, 48000, 48000)
    part = timecode.sound(5250, 12000, 48000)
    assert np.allclose(whole[12000:24000], part, atol=1e-5)
    assert np.sqrt(np.mean(timecode.sound(0, 480000, 48000) ** 2)) == pytest.approx(1, abs=0.03)
