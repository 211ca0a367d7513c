"""Sounds: pairs share their spectrum and differ in order, and each parameter is audible."""

import numpy as np
import pytest
from scipy.signal import welch

from wavbrivl.errors import UserError
from wavbrivl.world.classes import BY_NAME, PAIRS
from wavbrivl.world.sounds import HIGHEST_HZ, add_noise, noise, synthesize

RATE = 16000


def sound(name, size=0.5, rate=0.5, tone=0.5, seed=1, seconds=4.0):
    return synthesize(name, size, rate, tone, seconds, RATE, np.random.default_rng(seed))


def centroid(wave, floor_hz=0):
    hertz, power = welch(wave, RATE, nperseg=2048)
    return float((hertz * power).sum() / power.sum())


def envelope_rise(wave):
    """Skewness of the loudness's steps: above zero where sounds start abruptly and fade."""
    steps = np.diff(np.sqrt(np.convolve(wave**2, np.ones(160) / 160, "same"))[::80])
    return float((steps**3).mean() / (steps**2).mean() ** 1.5)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("size,rate,tone", [(0.1, 0.2, 0.9), (0.5, 0.5, 0.5), (0.9, 0.9, 0.1)])
def test_pairs_share_their_long_term_spectrum(pair, size, rate, tone):
    first, second = (welch(sound(name, size, rate, tone), RATE, nperseg=1024)[1] for name in pair)
    assert np.corrcoef(first, second)[0, 1] > 0.98
    assert np.corrcoef(np.log(first + 1e-9), np.log(second + 1e-9))[0, 1] > 0.98


@pytest.mark.parametrize("pair", [PAIRS[0], PAIRS[2]])
def test_struck_and_swelling_sounds_differ_in_the_order_of_time(pair):
    first, second = (envelope_rise(sound(name)) for name in pair)
    assert first > 0.5 and second < -0.5


def test_rocket_rises_and_drop_falls():
    def direction(name):
        wave = sound(name, tone=0.0)
        frames = np.lib.stride_tricks.sliding_window_view(wave, 512)[::160] * np.hanning(512)
        peaks = np.abs(np.fft.rfft(frames, 4096)).argmax(axis=1).astype(float)
        return np.sign(np.diff(peaks)).sum()

    assert direction("rocket") > 50 and direction("drop") < -50


@pytest.mark.parametrize("name", BY_NAME)
def test_larger_is_lower_and_higher_tone_is_brighter(name):
    assert centroid(sound(name, size=0.05)) > 1.3 * centroid(sound(name, size=0.95))
    assert centroid(sound(name, tone=0.95)) > 1.1 * centroid(sound(name, tone=0.05))


@pytest.mark.parametrize("name", BY_NAME)
def test_rate_sets_how_often_loudness_comes_back(name):
    def returns(rate):
        """How often loudness, smoothed over 80 ms, comes above its mean."""
        smooth = np.convolve(sound(name, rate=rate, seconds=8.0) ** 2, np.ones(1280) / 1280, "same")
        return np.count_nonzero(np.diff((smooth[::160] > smooth.mean()).astype(int)) > 0)

    assert returns(0.95) > 1.8 * returns(0.05)


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000])
def test_sounds_have_unit_level_and_leave_the_time_codes_band_free(name, rate_hz):
    wave = synthesize(name, 0.0, 0.7, 1.0, 1.5, rate_hz, np.random.default_rng(2))
    assert wave.dtype == np.float32 and len(wave) == round(1.5 * rate_hz)
    assert np.sqrt(np.mean(wave**2)) == pytest.approx(1, abs=1e-3)
    hertz, power = welch(wave, rate_hz, nperseg=2048)
    assert power[hertz > HIGHEST_HZ + 500].sum() < 0.02 * power.sum()


def test_the_same_generator_gives_the_same_sound_and_an_unknown_class_is_refused():
    assert np.array_equal(sound("car"), sound("car"))
    assert not np.array_equal(sound("car"), sound("car", seed=2))
    with pytest.raises(UserError, match="trumpet"):
        sound("trumpet")


def test_noise_has_the_asked_slope_and_ratio():
    rng = np.random.default_rng(0)
    for exponent in (0, 1, 2):
        hertz, power = welch(noise(8 * RATE, RATE, {exponent: 1.0}, rng), RATE, nperseg=1024)
        band = (hertz > 200) & (hertz < 6000)
        slope = np.polyfit(np.log(hertz[band]), np.log(power[band]), 1)[0]
        assert slope == pytest.approx(-exponent, abs=0.15)
    event, background = sound("bell"), noise(4 * RATE, RATE, {0: 1.0}, rng)
    mixed = add_noise(event, background, 6.0)
    share = np.linalg.lstsq(np.stack([event, background], 1), mixed, rcond=None)[0]
    assert 20 * np.log10(share[0] / share[1]) == pytest.approx(6.0, abs=0.01)
