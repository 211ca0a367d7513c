"""A labelled sound benchmark in memory, and its embeddings as one matrix.

A reader of a publisher's layout (such as `esc50.read_esc50`) makes a `Benchmark`; everything after
that is the same for all of them.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.audio_files import read_audio
from wavbrivl.evaluate.encoders import Embedded, Encoder
from wavbrivl.evaluate.result import Coverage, Exclusion, coverage_of
from wavbrivl.progress import track

logger = logging.getLogger("wavbrivl")

BLOCK = 256
"""Sounds held in memory side by side."""


@dataclass(frozen=True)
class Clip:
    """One sound of a benchmark.

    Attributes:
        name: unique name in the benchmark's own table.
        path: the sound file.
        label: one of the benchmark's labels.
        fold: official fold, or 0 where the benchmark has none.
        group: source recording; clips of one recording are never independent.
    """

    name: str
    path: Path
    label: str
    fold: int
    group: str


@dataclass(frozen=True)
class Benchmark:
    """A benchmark as its table lists it.

    Attributes:
        dataset: the name that results carry.
        folder: where it lies, for messages.
        labels: all labels, in the publisher's order of classes.
        clips: in the order of the table.
    """

    dataset: str
    folder: Path
    labels: tuple[str, ...]
    clips: tuple[Clip, ...]


@dataclass(frozen=True)
class EmbeddedBenchmark:
    """The sounds that could be read, and their embeddings in the same order."""

    dataset: str
    labels: tuple[str, ...]
    clips: tuple[Clip, ...]
    encoder: str
    embedded: Embedded
    exclusions: tuple[Exclusion, ...]

    @property
    def coverage(self) -> Coverage:
        """Clips of the table, clips that were embedded, the others by cause."""
        return coverage_of(len(self.clips) + len(self.exclusions), self.exclusions)

    @property
    def targets(self) -> np.ndarray:
        """Class index of each clip, [n] int64."""
        place = {label: i for i, label in enumerate(self.labels)}
        return np.array([place[clip.label] for clip in self.clips], dtype=np.int64)

    @property
    def folds(self) -> np.ndarray:
        """Official fold of each clip, [n] int64."""
        return np.array([clip.fold for clip in self.clips], dtype=np.int64)

    @property
    def groups(self) -> list[str]:
        """Source recording of each clip, [n]."""
        return [clip.group for clip in self.clips]


def embed_benchmark(benchmark: Benchmark, encoder: Encoder, batch_size: int) -> EmbeddedBenchmark:
    """Embed every sound once.

    A sound that is absent or cannot be read is left out, counted and listed.

    Raises:
        UserError: where a whole fold, or everything, is left out.
    """
    kept: list[Clip] = []
    exclusions: list[Exclusion] = []
    blocks = [
        encoder.embed(sounds, batch_size) for sounds in _readable(benchmark, kept, exclusions, encoder.name)
    ]
    _refuse_emptied(benchmark, kept, exclusions)
    return EmbeddedBenchmark(
        benchmark.dataset, benchmark.labels, tuple(kept), encoder.name, joined(blocks), tuple(exclusions)
    )


def joined(blocks: Sequence[Embedded]) -> Embedded:
    """One matrix from the matrices of blocks."""
    projections = [block.projection for block in blocks if block.projection is not None]
    return Embedded(
        np.concatenate([block.embedding for block in blocks]),
        np.concatenate(projections) if projections else None,
    )


def _readable(
    benchmark: Benchmark, kept: list[Clip], exclusions: list[Exclusion], encoder: str
) -> Iterator[list[np.ndarray]]:
    """Sounds in blocks; `kept` and `exclusions` grow beside them."""
    sounds: list[np.ndarray] = []
    for clip in track(benchmark.clips, f"{benchmark.dataset} sounds, {encoder}"):
        try:
            sounds.append(read_audio(clip.path))
        except UserError as error:
            cause = "unreadable" if clip.path.is_file() else "absent"
            exclusions.append(Exclusion(item=clip.name, cause=cause))
            logger.warning("left out: %s", error)
            continue
        kept.append(clip)
        if len(sounds) == BLOCK:
            yield sounds
            sounds = []
    if sounds:
        yield sounds


def _refuse_emptied(benchmark: Benchmark, kept: Sequence[Clip], exclusions: Sequence[Exclusion]) -> None:
    if not kept:
        example = exclusions[0].item if exclusions else "its table"
        raise UserError(f"{benchmark.folder}: no sound of {benchmark.dataset} can be read, {example} first")
    emptied = {clip.fold for clip in benchmark.clips} - {clip.fold for clip in kept}
    if emptied:
        raise UserError(f"{benchmark.folder}: no sound of fold {min(emptied)} can be read")
