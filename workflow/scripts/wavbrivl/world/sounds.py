"""Sounds of the embedded world: a function of class, size, rate, tone, duration and generator.

`size` sets the pitch (large is low), `rate` how often the event repeats, `tone` how bright its
spectrum is. Events stay below 6 kHz, under the band of the time code.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import fft

from wavbrivl.errors import UserError

HIGHEST_HZ = 5800.0
_TABLE = 1 << 15


@dataclass(frozen=True)
class Voice:
    """What a class's synthesiser is given: hertz, seconds and a slope instead of parameters."""

    pitch: float
    per_second: float
    slope: float
    n: int
    sample_rate: int
    rng: np.random.Generator

    @property
    def time(self) -> np.ndarray:
        return np.arange(self.n) / self.sample_rate

    def gain(self, hertz: np.ndarray) -> np.ndarray:
        """Amplitude of a partial: the slope above the pitch, nothing above HIGHEST_HZ."""
        return np.where(hertz < HIGHEST_HZ, (np.maximum(hertz, 1.0) / self.pitch) ** -self.slope, 0.0)

    def onsets(self) -> np.ndarray:
        """Start times in seconds, one period apart, at a random phase; the first may be before 0."""
        period = 1 / self.per_second
        first = -self.rng.uniform(0, period)
        return np.arange(first, self.n / self.sample_rate, period)


def synthesize(
    name: str,
    size: float,
    rate: float,
    tone: float,
    seconds: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Sound of one event class.

    Args:
        name: key of `classes.BY_NAME`.
        size, rate, tone: the hidden parameters, each in [0, 1].
        seconds, sample_rate: length and hertz of the result.
        rng: draws phases only, so a pair's two sounds agree in spectrum for equal generators.

    Returns:
        float32 [round(seconds * sample_rate)], RMS 1.

    Raises:
        UserError: there is no class of that name.
    """
    if name not in _RECIPES:
        raise UserError(f"the embedded world has no class '{name}'")
    recipe = _RECIPES[name]
    voice = Voice(
        pitch=recipe.pitch_hz * 2 ** (recipe.octaves * (0.5 - size)),
        per_second=recipe.slowest * (recipe.fastest / recipe.slowest) ** rate,
        slope=2.7 - 2.5 * tone,
        n=round(seconds * sample_rate),
        sample_rate=sample_rate,
        rng=rng,
    )
    wave = recipe.render(voice)
    return (wave / max(float(np.sqrt(np.mean(wave**2))), 1e-9)).astype(np.float32)


def noise(n: int, sample_rate: int, shares: dict[int, float], rng: np.random.Generator) -> np.ndarray:
    """Noise that mixes several colours, above 50 Hz.

    Args:
        n, sample_rate: samples and hertz.
        shares: how much of the power each colour has, by the exponent of its spectrum's fall
            1/f**exponent: 0 is white, 1 pink, 2 brown.
        rng: draws it.

    Returns:
        float32 [n], RMS 1.
    """
    length = fft.next_fast_len(n, real=True)
    hertz = np.maximum(fft.rfftfreq(length, 1 / sample_rate), 50)
    power = np.zeros(len(hertz))
    for exponent, share in shares.items():
        colour = hertz**-exponent
        power += share * colour / colour.mean()
    power[: int(50 * length / sample_rate)] = 0
    wave = fft.irfft(fft.rfft(rng.standard_normal(length)) * np.sqrt(power), length)[:n]
    return (wave / np.sqrt(np.mean(wave**2))).astype(np.float32)


def add_noise(event: np.ndarray, background: np.ndarray, snr_db: float) -> np.ndarray:
    """Mix two sounds of RMS 1 at a ratio in decibels; the result has RMS 1 too, in float32 [n]."""
    mixed = event + background * 10 ** (-snr_db / 20)
    return (mixed / np.sqrt(np.mean(mixed**2))).astype(np.float32)


def _place(
    voice: Voice, starts: np.ndarray, template: np.ndarray, gains: np.ndarray | None = None
) -> np.ndarray:
    """Add a copy of `template` at each start time (seconds), cut at both ends of the sound."""
    out = np.zeros(voice.n)
    for i, start in enumerate(starts):
        at = round(start * voice.sample_rate)
        a, b = max(at, 0), min(at + len(template), voice.n)
        if a < b:
            out[a:b] += template[a - at : b - at] * (1.0 if gains is None else gains[i])
    return out


def _struck(voice: Voice, ratios: np.ndarray, decay_s: float, pitch: float | None = None) -> np.ndarray:
    """A struck body: partials at `ratios` of the pitch, one exponential decay, a 2 ms attack."""
    time = np.arange(int(5 * decay_s * voice.sample_rate)) / voice.sample_rate
    hertz = (pitch or voice.pitch) * ratios
    phases = voice.rng.uniform(0, 2 * np.pi, len(hertz))
    wave = np.zeros(len(time))
    for f, g, p in zip(hertz, voice.gain(hertz), phases, strict=True):
        if g > 0:
            wave += g * np.sin(2 * np.pi * f * time + p)
    return wave * np.exp(-time / decay_s) * np.minimum(1, time / 0.002)


def _buzz(voice: Voice, hertz: np.ndarray) -> np.ndarray:
    """A harmonic tone that follows `hertz` [n], read from one period's table: cheap and alias-free."""
    harmonics = np.arange(1, max(2, int(HIGHEST_HZ / hertz.max()) + 1))
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=complex)
    phases = voice.rng.uniform(0, 2 * np.pi, len(harmonics))
    spectrum[harmonics] = harmonics**-voice.slope * np.exp(1j * phases)
    table = fft.irfft(spectrum, _TABLE)
    cycles = np.cumsum(hertz * (_TABLE / voice.sample_rate))
    return table[cycles.astype(np.int64) & (_TABLE - 1)]


def _bell(voice: Voice) -> np.ndarray:
    ratios = np.array([0.56, 0.92, 1.19, 1.71, 2.0, 2.74, 3.0, 3.76, 4.07, 5.2, 6.6, 8.2, 10.1, 12.3])
    return _place(voice, voice.onsets(), _struck(voice, ratios, 0.2 / voice.per_second))


def _balloon(voice: Voice) -> np.ndarray:
    return _bell(voice)[::-1]


def _rocket(voice: Voice) -> np.ndarray:
    phase = (voice.time * voice.per_second + voice.rng.uniform()) % 1.0
    sweep = np.minimum(phase / 0.85, 1.0)
    edge = 0.012 * voice.per_second
    fade = np.clip(np.minimum(phase, 0.85 - phase) / edge, 0, 1)
    return fade * _buzz(voice, voice.pitch * 2 ** (1.8 * (sweep - 0.5)))


def _drop(voice: Voice) -> np.ndarray:
    return _rocket(voice)[::-1]


def _ball(voice: Voice) -> np.ndarray:
    """Groups of six clicks that close up and fade, as a ball's bounces do."""
    period = 1 / voice.per_second
    within = np.cumsum([0.0, 0.36, 0.23, 0.15, 0.10, 0.06]) * 0.9 * period
    loudness = np.array([1.0, 0.66, 0.44, 0.3, 0.2, 0.14])
    starts = (voice.onsets()[:, None] + within[None, :]).ravel()
    ratios = np.array([1.0, 1.51, 2.31, 3.13, 4.36, 5.77, 7.42, 9.6, 12.1])
    click = _struck(voice, ratios, 0.03 * period)
    return _place(voice, starts, click, np.tile(loudness, len(starts) // len(within)))


def _wheel(voice: Voice) -> np.ndarray:
    return _ball(voice)[::-1]


def _bird(voice: Voice) -> np.ndarray:
    phase = (voice.time * voice.per_second + voice.rng.uniform()) % 1.0
    syllable = np.where(phase < 0.65, np.sin(np.pi * np.minimum(phase / 0.65, 1)) ** 0.5, 0)
    trill = 1 + 0.18 * np.sin(2 * np.pi * 22 * voice.time + voice.rng.uniform(0, 2 * np.pi))
    return syllable * _buzz(voice, voice.pitch * trill)


def _cloud(voice: Voice) -> np.ndarray:
    length = fft.next_fast_len(voice.n, real=True)
    spectrum = fft.rfft(voice.rng.standard_normal(length))
    hertz = fft.rfftfreq(length, 1 / voice.sample_rate)
    below = np.minimum(hertz / voice.pitch, 1) ** 2
    spectrum *= np.where(hertz > voice.pitch, voice.gain(hertz), below) * (hertz < HIGHEST_HZ)
    gust = 0.5 - 0.5 * np.cos(2 * np.pi * (voice.time * voice.per_second + voice.rng.uniform()))
    return fft.irfft(spectrum, length)[: voice.n] * (0.05 + gust**1.5)


def _car(voice: Voice) -> np.ndarray:
    beat = np.sin(2 * np.pi * (voice.time * voice.per_second + voice.rng.uniform()))
    return (1 + 0.75 * beat) * _buzz(voice, np.full(voice.n, voice.pitch))


def _clock(voice: Voice) -> np.ndarray:
    starts = voice.onsets()
    ratios = np.arange(1.0, 9.0)
    tick = _struck(voice, ratios, 0.022, voice.pitch * 1.25)
    tock = _struck(voice, ratios, 0.022, voice.pitch / 1.25)
    return _place(voice, starts[::2], tick) + _place(voice, starts[1::2], tock)


@dataclass(frozen=True)
class Recipe:
    """A class's pitch at middle size, its range in octaves, and its slowest and fastest repetition."""

    render: Callable[[Voice], np.ndarray]
    pitch_hz: float
    octaves: float
    slowest: float
    fastest: float


_RECIPES: dict[str, Recipe] = {
    "bell": Recipe(_bell, 600, 2.2, 1.0, 5.0),
    "balloon": Recipe(_balloon, 600, 2.2, 1.0, 5.0),
    "rocket": Recipe(_rocket, 340, 2.2, 1.0, 5.0),
    "drop": Recipe(_drop, 340, 2.2, 1.0, 5.0),
    "ball": Recipe(_ball, 420, 2.2, 0.8, 3.2),
    "wheel": Recipe(_wheel, 420, 2.2, 0.8, 3.2),
    "bird": Recipe(_bird, 1300, 1.8, 1.0, 5.0),
    "cloud": Recipe(_cloud, 900, 2.2, 1.0, 5.0),
    "car": Recipe(_car, 75, 2.2, 1.0, 5.0),
    "clock": Recipe(_clock, 750, 2.2, 1.0, 5.0),
}
