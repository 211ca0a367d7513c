"""Sounds of the world's classes in the layouts of published benchmarks.

They come from other parameter ranges, noise colours and generators than the videos, so that a
benchmark measures more than memory. Another layout needs a writer beside `write_esc50`;
`draw_sound` serves them all.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.files import atomic
from wavbrivl.progress import track
from wavbrivl.world import sounds
from wavbrivl.world.classes import CLASSES, EventClass
from wavbrivl.world.make import write_csv
from wavbrivl.world.seeds import generator

ESC50_COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
ESC50_FOLDS = 5
ESC50_RATE = 44100
ESC50_SAMPLES = 220500
_SILENT_TAIL_SHARE = 0.2
_TAKES_EVERY = 4


@dataclass(frozen=True)
class Ranges:
    """Uniform ranges that benchmark sounds are drawn from; videos use [0, 1] and 0 to 20 dB."""

    size: tuple[float, float] = (0.1, 0.8)
    rate: tuple[float, float] = (0.2, 1.0)
    tone: tuple[float, float] = (0.15, 0.95)
    snr_db: tuple[float, float] = (2.0, 18.0)


@dataclass(frozen=True)
class Esc50Clip:
    """One row of `meta/esc50.csv`; clips of one source lie in one fold, as takes A and B."""

    event: EventClass
    target: int
    fold: int
    source: int
    take: str

    @property
    def filename(self) -> str:
        return f"{self.fold}-{self.source}-{self.take}-{self.target}.wav"

    def row(self) -> tuple[object, ...]:
        category = self.event.label.replace(" ", "_")
        esc10 = self.target % 2 == 0
        return self.filename, self.fold, self.target, category, esc10, self.source, self.take


def write_esc50(out: Path, config: WorldConfig, seed: int) -> None:
    """Write ten classes in ESC-50's layout: `audio/*.wav` and `meta/esc50.csv`.

    Files are mono, 16 bit, 44.1 kHz and exactly 220,500 samples long; about a fifth end in digital
    silence, as in the original. A sound that is already there is whole and stays.

    Args:
        out: the benchmark's folder.
        config: how many clips for each class and fold.
        seed: of everything that is drawn.
    """
    clips = plan_esc50(config.esc50_clips_per_class_and_fold, seed)
    for clip in track(clips, "sounds of the embedded ESC-50"):
        path = Path(out) / "audio" / clip.filename
        if not path.is_file():
            _write_wav(path, _esc50_sound(clip, seed))
    write_csv(Path(out) / "meta" / "esc50.csv", ESC50_COLUMNS, (clip.row() for clip in clips))


def draw_sound(
    event: EventClass,
    ranges: Ranges,
    seconds: float,
    rate: int,
    source: np.random.Generator,
    take: np.random.Generator,
) -> np.ndarray:
    """One benchmark sound: float32 [round(seconds * rate)] with its peak at 0.8 or lower.

    Args:
        event, ranges: what is heard, and the ranges of its hidden parameters and noise.
        seconds, rate: length and hertz.
        source: draws the parameters; equal for all takes of a recording.
        take: draws phases, noise and loudness.
    """
    size, speed, tone, snr_db = (
        source.uniform(*span) for span in (ranges.size, ranges.rate, ranges.tone, ranges.snr_db)
    )
    brown = source.uniform()
    wave = sounds.synthesize(event.name, size, speed, tone, seconds, rate, take)
    wave = sounds.add_noise(wave, sounds.noise(len(wave), rate, {2: brown, 0: 1 - brown}, take), snr_db)
    return wave * np.float32(0.8 * 10 ** (-take.uniform(0, 12) / 20) / np.abs(wave).max())


def plan_esc50(clips_per_class_and_fold: int, seed: int) -> list[Esc50Clip]:
    """The rows of the benchmark, by file name: every fourth clip is a second take of the one before."""
    sources = clips_per_class_and_fold * ESC50_FOLDS * len(CLASSES)
    numbers = generator("esc50 sources", seed).choice(900_000, sources, replace=False) + 100_000
    pool = iter(int(number) for number in numbers)
    clips = []
    for fold in range(1, ESC50_FOLDS + 1):
        for target, event in enumerate(CLASSES):
            own = [next(pool) for _ in range(clips_per_class_and_fold)]
            for i in range(clips_per_class_and_fold):
                second = i % _TAKES_EVERY == _TAKES_EVERY - 1
                source, take = (own[i - 1], "B") if second else (own[i], "A")
                clips.append(Esc50Clip(event, target, fold, source, take))
    return sorted(clips, key=lambda clip: clip.filename)


def _esc50_sound(clip: Esc50Clip, seed: int) -> np.ndarray:
    source = generator("esc50", seed, clip.source)
    take = generator("esc50", seed, clip.source, clip.take)
    wave = draw_sound(clip.event, Ranges(), ESC50_SAMPLES / ESC50_RATE, ESC50_RATE, source, take)
    if take.uniform() < _SILENT_TAIL_SHARE:
        wave[int(take.uniform(0.5, 0.9) * len(wave)) :] = 0
    return wave


def _write_wav(path: Path, wave: np.ndarray) -> None:
    with atomic(path) as temporary:
        soundfile.write(temporary, np.round(wave * 32767).astype("<i2"), ESC50_RATE, "PCM_16", format="WAV")
