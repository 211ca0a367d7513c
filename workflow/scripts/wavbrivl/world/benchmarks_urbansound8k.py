"""Sounds of the world's classes in UrbanSound8K's layout: ten folds, and files of every kind.

As in the original, slices of one recording share a fold, most last four seconds and a few hardly
any, and sampling rate, depth and channels are those of whatever was uploaded. The rarest kinds are
dealt first, so that even a small benchmark has them all.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from scipy.io import wavfile
from scipy.signal import resample_poly

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.files import atomic
from wavbrivl.progress import track
from wavbrivl.world.benchmarks import Ranges, draw_sound
from wavbrivl.world.classes import CLASSES, EventClass
from wavbrivl.world.make import write_csv
from wavbrivl.world.seeds import generator

COLUMNS = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")
FOLDS = 10
LONGEST = 4.0
SHORTEST = 0.05
SYNTHESIS_RATE = 16_000
"""Slower files are made at this rate and resampled: the world's events reach almost to 6 kHz."""

RATES = {44_100: 0.56, 48_000: 0.29, 96_000: 0.05, 22_050: 0.03, 16_000: 0.02, 8_000: 0.02, 11_025: 0.015,
         192_000: 0.01, 32_000: 0.005}  # fmt: skip
SUBTYPES = {"PCM_16": 0.66, "PCM_24": 0.29, "FLOAT": 0.02, "PCM_32": 0.01, "PCM_U8": 0.02}
STEREO = 0.92
WHOLE = 0.84
BRIEF = 0.02
_SLICES_OF_A_SOURCE = 2


@dataclass(frozen=True)
class Slice:
    """One row of `metadata/UrbanSound8K.csv`, and how its file is written.

    Attributes:
        source: the recording that it is cut from; all of its slices have one class and one fold.
        number: which slice of the recording it is.
        start, seconds: where it begins in the recording, and how long it is.
        rate, subtype, channels: of the file.
    """

    event: EventClass
    target: int
    fold: int
    source: int
    number: int
    salience: int
    start: float
    seconds: float
    rate: int
    subtype: str
    channels: int

    @property
    def filename(self) -> str:
        return f"{self.source}-{self.target}-0-{self.number}.wav"

    def row(self) -> tuple[object, ...]:
        label = self.event.label.replace(" ", "_")
        start, end = f"{self.start:.6f}", f"{self.start + self.seconds:.6f}"
        return self.filename, self.source, start, end, self.salience, self.fold, self.target, label


def write_urbansound8k(out: Path, config: WorldConfig, seed: int) -> None:
    """Write ten classes in UrbanSound8K's layout: `audio/fold1` to `fold10`, `metadata/UrbanSound8K.csv`.

    A sound that is already there is whole and stays.

    Args:
        out: the benchmark's folder.
        config: how many slices for each class and fold.
        seed: of everything that is drawn.
    """
    slices = plan_urbansound8k(config.urbansound8k_clips_per_class_and_fold, seed)
    for one in track(slices, "sounds of the embedded UrbanSound8K"):
        path = Path(out) / "audio" / f"fold{one.fold}" / one.filename
        if not path.is_file():
            _write(path, one, seed)
    write_csv(Path(out) / "metadata" / "UrbanSound8K.csv", COLUMNS, (one.row() for one in slices))


def plan_urbansound8k(clips_per_class_and_fold: int, seed: int) -> list[Slice]:
    """The rows of the benchmark by file name: every second slice is of the recording before."""
    total = clips_per_class_and_fold * FOLDS * len(CLASSES)
    sources = -(-clips_per_class_and_fold // _SLICES_OF_A_SOURCE) * FOLDS * len(CLASSES)
    draws = generator("urbansound8k", seed)
    seconds = iter(_lengths(total, draws))
    uploads = iter(_uploads(sources, draws))
    slices: list[Slice] = []
    for fold in range(1, FOLDS + 1):
        for target, event in enumerate(CLASSES):
            for i in range(clips_per_class_and_fold):
                length, number = next(seconds), i % _SLICES_OF_A_SOURCE
                if number:
                    before = slices[-1]
                    begin = round(before.start + before.seconds, 6)
                    slices.append(replace(before, number=number, start=begin, seconds=length))
                else:
                    upload = next(uploads)
                    slices.append(Slice(event, target, fold, number=0, seconds=length, **upload))
    return sorted(slices, key=lambda one: one.filename)


def _uploads(count: int, draws: np.random.Generator) -> list[dict[str, Any]]:
    """What is drawn for each recording: its number, how its file is, and where its first slice begins."""
    numbers = draws.choice(200_000, count, replace=False) + 1000
    kinds = zip(
        _dealt(RATES, count, draws),
        _dealt(SUBTYPES, count, draws),
        _dealt({2: STEREO, 1: 1 - STEREO}, count, draws),
        strict=True,
    )
    return [
        {
            "source": int(number),
            "rate": rate,
            "subtype": subtype,
            "channels": channels,
            "salience": 1 + int(draws.uniform() < 0.35),
            "start": round(draws.uniform(0, 30), 6),
        }
        for number, (rate, subtype, channels) in zip(numbers, kinds, strict=True)
    ]


def _lengths(total: int, draws: np.random.Generator) -> list[float]:
    """Seconds of each slice: most are whole, a few are brief, one is as short as the original's shortest."""
    brief = max(1, round(BRIEF * total))
    part = max(brief, round((1 - WHOLE - BRIEF) * total))
    seconds = np.concatenate(
        [
            [SHORTEST],
            draws.uniform(SHORTEST, 0.5, brief - 1),
            draws.uniform(0.5, LONGEST, part),
            np.full(max(0, total - brief - part), LONGEST),
        ]
    )
    return [round(float(value), 6) for value in draws.permutation(seconds[:total])]


def _dealt(shares: dict, total: int, draws: np.random.Generator) -> list:
    """One value for each recording: the shares of the original, and every value at least once."""
    rare_first = sorted(shares, key=lambda value: shares[value])
    counts = {value: max(1, round(shares[value] * total)) for value in rare_first}
    cards = [value for value in rare_first for _ in range(counts[value])]
    cards += [rare_first[-1]] * max(0, total - len(cards))
    return [cards[i] for i in draws.permutation(min(total, len(cards)))]


def _write(path: Path, one: Slice, seed: int) -> None:
    source = generator("urbansound8k", seed, one.source)
    take = generator("urbansound8k", seed, one.source, one.number)
    rate = max(one.rate, SYNTHESIS_RATE)
    wave = draw_sound(one.event, Ranges(), one.seconds, rate, source, take)
    if rate != one.rate:
        wave = resample_poly(wave, one.rate, rate).astype(np.float32)
    channels = [wave] if one.channels == 1 else [wave, wave * np.float32(take.uniform(0.3, 1))]
    samples = np.clip(np.stack(channels, axis=1), -1, 1)
    with atomic(path) as temporary:
        if one.subtype == "FLOAT":  # libsndfile would write the time of day beside the peak
            wavfile.write(temporary, one.rate, samples.astype(np.float32))
        else:
            soundfile.write(temporary, samples, one.rate, one.subtype, format="WAV")
