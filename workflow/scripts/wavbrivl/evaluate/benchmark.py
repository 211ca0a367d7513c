"""A labelled sound benchmark in memory, and its embeddings as one matrix.

A reader of a publisher's layout (such as `esc50.read_esc50`) makes a `Benchmark`; everything after
that is the same for all of them: `embed_benchmark` makes the matrix, `with_matrix` puts the two together.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.audio_files import read_audio
from wavbrivl.evaluate.encoders import Embedded, Encoder
from wavbrivl.evaluate.matrix import Matrix
from wavbrivl.evaluate.result import Coverage, Exclusion, Part, part_of
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
class ReadBenchmark:
    """The sounds of a benchmark that could be read, and what is to be said of the others.

    Attributes:
        dataset: as in `Benchmark`.
        labels: as in `Benchmark`.
        clips: the sounds that were read, in the order of the table.
        encoder: whose predictions these sounds get.
        exclusions: sounds that were left out, with causes.
        listed: what somebody else counted (a corpus's ledgers), in the place of `exclusions`, or None.
    """

    dataset: str
    labels: tuple[str, ...]
    clips: tuple[Clip, ...]
    encoder: str
    exclusions: tuple[Exclusion, ...] = ()
    listed: Part | None = None

    @property
    def part(self) -> Part:
        """Clips of the table, clips that were read, the others with their causes."""
        return self.listed or part_of(len(self.clips) + len(self.exclusions), self.exclusions)

    @property
    def coverage(self) -> Coverage:
        """The counts of `part`."""
        return self.part.coverage

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


@dataclass(frozen=True)
class EmbeddedBenchmark:
    """The sounds of a benchmark with their embeddings in the same order."""

    sounds: ReadBenchmark
    embedded: Embedded


def embed_benchmark(benchmark: Benchmark, encoder: Encoder, batch_size: int) -> Matrix:
    """Embed every sound once, read at the encoder's own rate.

    A sound that is absent or cannot be read is left out, counted and listed.

    Raises:
        UserError: where a whole fold, or everything, is left out.
    """
    kept: list[Clip] = []
    exclusions: list[Exclusion] = []
    blocks = [
        encoder.embed(sounds, batch_size, encoder.rate)
        for sounds in readable(benchmark, kept, exclusions, encoder.name, encoder.rate)
    ]
    refuse_emptied(benchmark, kept, exclusions)
    whole = joined(blocks)
    names = [clip.name for clip in kept]
    return Matrix(encoder.name, names, whole.embedding, whole.projection, tuple(exclusions))


def with_matrix(benchmark: Benchmark, matrix: Matrix) -> EmbeddedBenchmark:
    """A benchmark and its embeddings.

    Raises:
        UserError: the matrix does not belong to this table.
    """
    by_name = {clip.name: clip for clip in benchmark.clips}
    if {*matrix.items, *(entry.item for entry in matrix.exclusions)} != set(by_name):
        raise UserError(f"{benchmark.folder}: the embeddings of '{matrix.encoder}' are of other sounds")
    clips = tuple(by_name[name] for name in matrix.items)
    sounds = ReadBenchmark(benchmark.dataset, benchmark.labels, clips, matrix.encoder, matrix.exclusions)
    return EmbeddedBenchmark(sounds, Embedded(matrix.embedding, matrix.projection))


def joined(blocks: Sequence[Embedded]) -> Embedded:
    """One matrix from the matrices of blocks."""
    projections = [block.projection for block in blocks if block.projection is not None]
    return Embedded(
        np.concatenate([block.embedding for block in blocks]),
        np.concatenate(projections) if projections else None,
    )


def readable(
    benchmark: Benchmark, kept: list[Clip], exclusions: list[Exclusion], what: str, rate: int
) -> Iterator[list[np.ndarray]]:
    """Sounds in blocks; `kept` and `exclusions` grow beside them.

    Args:
        what: what they are read for, in the log.
        rate: sampling rate that they are read at.
    """
    sounds: list[np.ndarray] = []
    for clip in track(benchmark.clips, f"{benchmark.dataset} sounds, {what}"):
        try:
            sounds.append(read_audio(clip.path, rate))
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


def refuse_emptied(benchmark: Benchmark, kept: Sequence[Clip], exclusions: Sequence[Exclusion]) -> None:
    """Leaving single sounds out is honest; leaving a fold out would be another protocol."""
    if not kept:
        example = exclusions[0].item if exclusions else "its table"
        raise UserError(f"{benchmark.folder}: no sound of {benchmark.dataset} can be read, {example} first")
    emptied = {clip.fold for clip in benchmark.clips} - {clip.fold for clip in kept}
    if emptied:
        raise UserError(f"{benchmark.folder}: no sound of fold {min(emptied)} can be read")
