"""A time code in picture and sound, so that a test can say when a frame or a sound was taken.

Both codes count milliseconds of their own clock: the two clocks of a video start at unrelated
offsets, so the codes say nothing about which sound belongs to which picture.

Picture: a strip along the bottom of the central square with reference blocks and a 12-bit Gray
code of the time in steps of 10 ms. Sound: a quiet chirp in every 100 ms between 6.3 and 7.4 kHz,
rising or falling and a little early or late by a fixed pseudo-random sequence; a matched filter
finds the position. All of it was designed for this project.
"""

from functools import lru_cache

import numpy as np
from scipy import fft

STEP_MS = 10
BITS = 12
RANGE_MS = STEP_MS * 2**BITS
STRIP = 0.04

_LEAD, _TRAIL = (0, 1), (1, 0)
_CELLS = len(_LEAD) + BITS + len(_TRAIL)
_MIN_CONTRAST = 60.0

_PERIOD_S, _PULSE_S = 0.1, 0.05
_LOW_HZ, _HIGH_HZ = 6300.0, 7400.0
_PULSES = int(RANGE_MS / 1000 / _PERIOD_S) + 1
_SEQUENCE = np.random.default_rng(20220703)
_RISING = _SEQUENCE.integers(0, 2, _PULSES).astype(bool)
_STARTS_S = np.arange(_PULSES) * _PERIOD_S + _SEQUENCE.uniform(0.005, 0.045, _PULSES)
# A Hann window has a mean square of 3/8, a sine one of 1/2, and pulses fill half of the time.
_PULSE_LEVEL = 1 / np.sqrt(3 / 8 / 2 * _PULSE_S / _PERIOD_S)
_LISTEN_HZ = 16000
_MIN_PROMINENCE = 1.25


def draw(frame: np.ndarray, ms: float) -> None:
    """Stamp the time on a frame, in place.

    Args:
        frame: uint8 [height, width, 3]; the strip covers the bottom 4 % of its central square.
        ms: time of the frame, 0 <= ms < RANGE_MS.

    Raises:
        ValueError: the time lies outside the range of the code.
    """
    height, width = frame.shape[:2]
    side = min(height, width)
    left, bottom = (width - side) // 2, (height - side) // 2 + side
    cells = np.array(_cells(ms), dtype=np.uint8) * 255
    row = cells[np.arange(side) * _CELLS // side]
    frame[bottom - round(side * STRIP) : bottom, left : left + side] = row[None, :, None]


def _cells(ms: float) -> list[int]:
    if not 0 <= ms < RANGE_MS:
        raise ValueError(f"a time code covers 0 to {RANGE_MS} ms, not {ms}")
    count = int(ms) // STEP_MS
    gray = count ^ (count >> 1)
    bits = [(gray >> (BITS - 1 - i)) & 1 for i in range(BITS)]
    return [*_LEAD, *bits, *_TRAIL]


def read(image: np.ndarray) -> int:
    """Time in milliseconds, in steps of 10, from the central square of a frame.

    Args:
        image: uint8 [side, side, 3] or [side, side]; 360 is the intended side.

    Raises:
        ValueError: the reference blocks are missing.
    """
    grey = image.mean(axis=2) if image.ndim == 3 else image.astype(float)
    side = grey.shape[0]
    rows = grey[round(side * (1 - 0.75 * STRIP)) : max(round(side * (1 - 0.25 * STRIP)), 1)]
    width = grey.shape[1] / _CELLS
    middles = [slice(round((i + 0.25) * width), round((i + 0.75) * width)) for i in range(_CELLS)]
    values = np.array([rows[:, middle].mean() for middle in middles])
    reference = np.array([*_LEAD, *_TRAIL], dtype=bool)
    ends = np.concatenate([values[: len(_LEAD)], values[-len(_TRAIL) :]])
    if ends[reference].min() - ends[~reference].max() < _MIN_CONTRAST:
        raise ValueError("no time code in this image: the reference blocks are missing")
    threshold = (ends[reference].mean() + ends[~reference].mean()) / 2
    return STEP_MS * _from_gray(values[len(_LEAD) : -len(_TRAIL)] > threshold)


def _from_gray(bits: np.ndarray) -> int:
    binary = np.bitwise_xor.accumulate(bits.astype(np.int64))
    return int(binary @ (1 << np.arange(BITS - 1, -1, -1)))


def sound(start_ms: float, n: int, rate: int) -> np.ndarray:
    """The sound code from `start_ms` on: float32 [n] at `rate` Hz, RMS 1 over long times.

    Raises:
        ValueError: the time lies outside the range of the code.
    """
    if start_ms < 0 or start_ms + 1000 * n / rate > RANGE_MS:
        raise ValueError(f"a time code covers 0 to {RANGE_MS} ms, not {n / rate:.3f} s from {start_ms} ms on")
    wave = np.zeros(n, dtype=np.float32)
    first = start_ms / 1000
    for pulse in range(int(first / _PERIOD_S), min(int((first + n / rate) / _PERIOD_S) + 1, _PULSES)):
        a, b = (int(np.ceil((_STARTS_S[pulse] + s - first) * rate)) for s in (0, _PULSE_S))
        a, b = min(max(a, 0), n), min(max(b, 0), n)
        wave[a:b] = _chirp(first + np.arange(a, b) / rate - _STARTS_S[pulse], _RISING[pulse])
    return wave


def _chirp(time: np.ndarray, rising: bool) -> np.ndarray:
    """One pulse at times 0 to _PULSE_S after its start."""
    sweep = (_HIGH_HZ - _LOW_HZ) / _PULSE_S / 2 * time**2
    cycles = _LOW_HZ * time + sweep if rising else _HIGH_HZ * time - sweep
    return _PULSE_LEVEL * np.sin(np.pi * time / _PULSE_S) ** 2 * np.sin(2 * np.pi * cycles)


def locate(audio: np.ndarray) -> float:
    """When a sound begins on its video's sound clock, in milliseconds.

    Args:
        audio: float [n] at 16 kHz; two seconds are enough down to 0 dB of noise.

    Raises:
        ValueError: no position stands out, so the sound carries no code.
    """
    n_code = int(RANGE_MS / 1000 * _LISTEN_HZ)
    length = fft.next_fast_len(n_code + 2 * len(audio), real=True)
    heard = np.conj(fft.rfft(_limited(np.asarray(audio, dtype=np.float64)), length))
    match = np.abs(_analytic(heard * _code_spectrum(length), length))[: n_code - len(audio) // 2]
    peak = int(match.argmax())
    elsewhere = match.copy()
    elsewhere[max(0, peak - 32) : peak + 33] = 0
    if not match[peak] > _MIN_PROMINENCE * elsewhere.max():
        raise ValueError("no time code in this sound: no position stands out")
    return 1000 * peak / _LISTEN_HZ


@lru_cache(maxsize=2)
def _code_spectrum(length: int) -> np.ndarray:
    return fft.rfft(sound(0, int(RANGE_MS / 1000 * _LISTEN_HZ), _LISTEN_HZ), length)


def _limited(audio: np.ndarray) -> np.ndarray:
    """The code's band alone, with bursts cut down: a click would outweigh twenty quiet chirps."""
    spectrum = fft.rfft(audio)
    hertz = fft.rfftfreq(len(audio), 1 / _LISTEN_HZ)
    spectrum[(hertz < _LOW_HZ - 50) | (hertz > _HIGH_HZ + 50)] = 0
    band = _analytic(spectrum, len(audio))
    envelope = np.abs(band)
    return band.real * np.minimum(1, 2 * np.median(envelope) / np.maximum(envelope, 1e-12))


def _analytic(spectrum: np.ndarray, length: int) -> np.ndarray:
    """Complex signal whose magnitude is the envelope; `spectrum` holds positive frequencies."""
    full = np.zeros(length, dtype=complex)
    full[: len(spectrum)] = 2 * spectrum
    return fft.ifft(full)
