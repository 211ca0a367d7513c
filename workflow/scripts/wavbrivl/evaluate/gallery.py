"""One split of a corpus for retrieval: clips with their sounds, and one image vector each."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import BLOCK, joined
from wavbrivl.evaluate.encoders import Embedded, Encoder
from wavbrivl.evaluate.ranking import unit
from wavbrivl.progress import track


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
        sounds: where the sounds are read from.
    """

    source: Path
    clip_ids: list[str]
    video_ids: list[str]
    labels: list[str]
    images: np.ndarray
    sounds: Sounds


def load_gallery(sounds: Sounds, matrix: Path, table: Path) -> Gallery:
    """Join media shards with the image embeddings that were computed from them.

    Args:
        sounds: the split's media shards.
        matrix: `.npy`, [n, frames, teacher_dim].
        table: `.csv`, one row `clip_id,video_id,label` for each row of the matrix.

    Raises:
        UserError: where the three do not speak of the same clips in the same order.
    """
    with Path(table).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    vectors = np.load(matrix, mmap_mode="r")
    if vectors.ndim != 3 or len(vectors) != len(rows):
        raise UserError(f"{matrix}: shape {vectors.shape} does not fit the {len(rows)} rows of {table}")
    clip_ids = [row["clip_id"] for row in rows]
    if clip_ids != [clip.clip_id for clip in sounds.clips]:
        raise UserError(f"{table}: its clips are not those of the media shards, in their order")
    return Gallery(
        source=Path(table),
        clip_ids=clip_ids,
        video_ids=[row["video_id"] for row in rows],
        labels=[row["label"] for row in rows],
        images=_frame_means(vectors),
        sounds=sounds,
    )


def embed_sounds(gallery: Gallery, encoder: Encoder, batch_size: int) -> Embedded:
    """Embed the whole sound of every clip, a block in memory at a time."""
    return joined([encoder.embed(block, batch_size) for block in _blocks(gallery, encoder.name)])


def _frame_means(vectors: np.ndarray) -> np.ndarray:
    """Mean over frames, of unit length again; read in blocks, so that a memory map stays one."""
    blocks = [
        unit(np.asarray(vectors[i : i + 1024], dtype=np.float64).mean(axis=1)).astype(np.float32)
        for i in range(0, len(vectors), 1024)
    ]
    return np.concatenate(blocks) if blocks else np.zeros((0, vectors.shape[2]), dtype=np.float32)


def _blocks(gallery: Gallery, encoder: str) -> Iterator[list[np.ndarray]]:
    block: list[np.ndarray] = []
    for i in track(range(len(gallery.clip_ids)), f"{gallery.source.stem} sounds, {encoder}"):
        block.append(gallery.sounds.audio(i))
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block
