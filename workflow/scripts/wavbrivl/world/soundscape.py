"""Several events in one sound, over a background, for the embedded DESED and Clotho."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from wavbrivl.files import atomic
from wavbrivl.world import sounds
from wavbrivl.world.benchmarks import Ranges
from wavbrivl.world.classes import CLASSES, EventClass

RATE = 44_100
_FADE_SECONDS = 0.01


@dataclass(frozen=True)
class Heard:
    """One event of a soundscape: its class, when it sounds (seconds), its hidden parameters, its loudness."""

    event: EventClass
    onset: float
    offset: float
    size: float
    rate: float
    tone: float
    snr_db: float

    @property
    def seconds(self) -> float:
        return self.offset - self.onset


def draw_event(
    event: EventClass, onset: float, offset: float, ranges: Ranges, rng: np.random.Generator
) -> Heard:
    """An event at a given time with parameters drawn from `ranges`; times are rounded to milliseconds."""
    size, rate, tone, snr_db = (
        float(rng.uniform(*span)) for span in (ranges.size, ranges.rate, ranges.tone, ranges.snr_db)
    )
    return Heard(event, round(onset, 3), round(offset, 3), size, rate, tone, snr_db)


def deal_classes(rng: np.random.Generator) -> Iterator[EventClass]:
    """All classes in shuffled rounds, for ever, so that every class is about equally frequent."""
    while True:
        yield from (CLASSES[i] for i in rng.permutation(len(CLASSES)))


def render(heard: Sequence[Heard], seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Mix events over noise between white and brown.

    Each event stands `snr_db` above the noise while it lasts, whatever else is heard.

    Args:
        heard: the events; they may overlap.
        seconds: length of the sound.
        rng: draws phases, noise and loudness.

    Returns:
        float32 [round(seconds * RATE)], peak at 0.8 or lower.
    """
    n = round(seconds * RATE)
    brown = rng.uniform()
    wave = sounds.noise(n, RATE, {2: brown, 0: 1 - brown}, rng)
    for one in heard:
        part = sounds.synthesize(one.event.name, one.size, one.rate, one.tone, one.seconds, RATE, rng)
        start = round(one.onset * RATE)
        part = (part * _fades(len(part)) * 10 ** (one.snr_db / 20))[: n - start]
        wave[start : start + len(part)] += part
    peak = 0.8 * 10 ** (-rng.uniform(0, 12) / 20)
    return (wave * (peak / np.abs(wave).max())).astype(np.float32)


def write_wav(path: Path, wave: np.ndarray) -> None:
    """Write mono, 16 bit, 44.1 kHz."""
    with atomic(path) as temporary:
        soundfile.write(temporary, np.round(wave * 32767).astype("<i2"), RATE, "PCM_16", format="WAV")


def _fades(n: int) -> np.ndarray:
    edge = max(1, min(n // 2, round(_FADE_SECONDS * RATE)))
    place = np.arange(n)
    return np.minimum(1.0, np.minimum(place + 1, n - place) / edge)
