"""One split of a corpus: its clips, one image vector each, and the sounds as a matrix of embeddings."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import BLOCK, joined
from wavbrivl.evaluate.encoders import Embedded, Encoder
from wavbrivl.evaluate.matrix import Matrix
from wavbrivl.evaluate.ranking import unit
from wavbrivl.progress import track

_ROWS = 1024
"""Clips whose frames are averaged at once."""


class Sounds(Protocol):
    """The part of `wavbrivl.shards.reader.MediaShards` that is needed here."""

    clips: Sequence

    def audio(self, i: int, start: int = 0, length: int | None = None) -> np.ndarray:
        """float32 [samples], 16 kHz."""
        ...


@dataclass(frozen=True)
class Gallery:
    """Clips of one split, all attributes in the same order.

    Attributes:
        source: the embedding table, for messages.
        clip_ids: [n].
        video_ids: source videos, [n].
        labels: classes, [n].
        images: frame-averaged image embeddings, unit length, [n, teacher_dim] float32.
    """

    source: Path
    clip_ids: list[str]
    video_ids: list[str]
    labels: list[str]
    images: np.ndarray


def load_gallery(sounds: Sounds | None, matrix: Path, table: Path) -> Gallery:
    """Read the image embeddings of one split.

    Args:
        sounds: the media shards that they were computed from, where the order is still to be checked.
        matrix: `.npy`, [n, frames, teacher_dim].
        table: `.csv`, one row `clip_id,video_id,label` for each row of the matrix.

    Raises:
        UserError: where they do not speak of the same clips in the same order.
    """
    rows = read_clips(table)
    vectors = np.load(matrix, mmap_mode="r")
    if vectors.ndim != 3 or len(vectors) != len(rows):
        raise UserError(f"{matrix}: shape {vectors.shape} does not fit the {len(rows)} rows of {table}")
    clip_ids = [row["clip_id"] for row in rows]
    if sounds is not None and clip_ids != [clip.clip_id for clip in sounds.clips]:
        raise UserError(f"{table}: its clips are not those of the media shards, in their order")
    return Gallery(
        source=Path(table),
        clip_ids=clip_ids,
        video_ids=[row["video_id"] for row in rows],
        labels=[row["label"] for row in rows],
        images=_frame_means(vectors),
    )


def read_clips(table: Path) -> list[dict[str, str]]:
    """The clips of a split: clip_id, video_id and label of each, in the order of the embeddings."""
    with Path(table).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def embed_split(shards: Sounds, encoder: Encoder, batch_size: int, what: str, projected: bool) -> Matrix:
    """Embed the whole sound of every clip, a block in memory at a time.

    Args:
        what: name of the split, in the log.
        projected: keep the projections too; training splits do not need them.
    """
    blocks = []
    for sounds in _blocks(shards, f"{what} sounds, {encoder.name}"):
        block = encoder.embed(sounds, batch_size)
        blocks.append(block if projected else Embedded(block.embedding))
    if not blocks:
        return Matrix(encoder.name, [], np.zeros((0, encoder.dim), dtype=np.float32))
    whole = joined(blocks)
    return Matrix(encoder.name, [clip.clip_id for clip in shards.clips], whole.embedding, whole.projection)


def _frame_means(vectors: np.ndarray) -> np.ndarray:
    """Mean over frames, of unit length again; read in blocks, so that a memory map stays one.

    Written into one array: blocks that are joined at the end would be there twice, 3 GB for VGG-Sound.
    """
    means = np.empty((len(vectors), vectors.shape[2]), dtype=np.float32)
    for i in range(0, len(vectors), _ROWS):
        means[i : i + _ROWS] = unit(np.asarray(vectors[i : i + _ROWS], dtype=np.float64).mean(axis=1))
    return means


def _blocks(shards: Sounds, what: str) -> Iterator[list[np.ndarray]]:
    block: list[np.ndarray] = []
    for i in track(range(len(shards.clips)), what):
        block.append(shards.audio(i))
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block
