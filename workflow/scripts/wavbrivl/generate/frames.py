"""The frames that generators learn from: those of the train split, with their embeddings and texts."""

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavbrivl.errors import UserError
from wavbrivl.progress import track
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.pairs import Texts, read_texts
from wavbrivl.teacher.preprocess import resize_square, to_unit

LEARNT_FROM = "train"
"""The only split that a generator, a map or a vocabulary of codes may see."""
STORED = (64, 360)
"""Sides of the stored squares."""
READERS = 4
"""Threads that decode the frames of a batch, where they are not kept in memory."""


class Frames:
    """Frames of the train split, each with the teacher's embedding of it.

    Args:
        shards: media shards of the train split.
        matrix: `.npy`, [clips, frames, dim], unit norm, from `embed_images`.
        table: `.csv` with its rows.
        side: pixels along an edge of what is learnt.
        language: of the texts.
        in_memory: decode everything once if there are no more frames than this.

    Raises:
        UserError: a clip is not of the train split, or the three do not speak of the same clips.
    """

    def __init__(
        self, shards: MediaShards, matrix: Path, table: Path, side: int, language: str, in_memory: int
    ):
        self.texts: Texts = read_texts(shards, language, LEARNT_FROM, wordless=True)
        self.clip_ids = [clip.clip_id for clip in shards.clips]
        self.video_ids = [clip.video_id for clip in shards.clips]
        self.side = side
        self._shards = shards
        self._stored = STORED[0] if side <= STORED[0] else STORED[1]
        self._vectors = _vectors(matrix, table, self.clip_ids)
        self.dim = self._vectors.shape[2]
        places = [(clip, frame) for clip in range(len(shards)) for frame in range(shards.frames(clip))]
        self._places = np.array(places, dtype=np.int64)
        self._pool = ThreadPoolExecutor(max_workers=READERS)
        self._kept = self._decode_all() if len(places) <= in_memory else None

    @classmethod
    def of_job(cls, job: Any, side: int) -> "Frames":
        """The frames of a rule that trains a generator: inputs media, matrix and rows, params as below."""
        shards = MediaShards([Path(path) for path in job.input.media])
        matrix, table = Path(job.input.matrix), Path(job.input.rows)
        return cls(shards, matrix, table, side, job.params.language, job.params.frames_in_memory)

    def __len__(self) -> int:
        return len(self._places)

    def pixels(self, rows: Sequence[int] | np.ndarray) -> Tensor:
        """Frames of the rows: float32 [B, 3, side, side] in [0, 1]."""
        if self._kept is not None:
            return to_unit(self._kept[np.asarray(rows)])
        return torch.cat(list(self._pool.map(self._read, [int(row) for row in rows])))

    def vectors(self, rows: Sequence[int] | np.ndarray) -> Tensor:
        """The teacher's embeddings of the same frames: float32 [B, dim], unit norm."""
        places = self._places[np.asarray(rows)]
        return torch.from_numpy(self._vectors[places[:, 0], places[:, 1]].astype(np.float32))

    def clips(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Numbers of the clips that the rows are of, [B]."""
        return self._places[np.asarray(rows), 0]

    def _decode_all(self) -> np.ndarray:
        kept = np.empty((len(self._places), self.side, self.side, 3), dtype=np.uint8)
        for row in track(range(len(kept)), "frames decoded"):
            kept[row] = (self._read(row)[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        return kept

    def _read(self, row: int) -> Tensor:
        clip, frame = (int(part) for part in self._places[row])
        image = self._shards.image(clip, self._stored, frame)
        return resize_square(to_unit(image[None]), self.side, antialias=True)


def _vectors(matrix: Path, table: Path, clip_ids: list[str]) -> np.ndarray:
    with Path(table).open(encoding="utf-8", newline="") as handle:
        known = [row["clip_id"] for row in csv.DictReader(handle)]
    vectors = np.load(matrix, mmap_mode="r", allow_pickle=False)
    if known != clip_ids or vectors.ndim != 3 or len(vectors) != len(known):
        raise UserError(f"{matrix}, {table}: their clips are not those of the media shards, in their order")
    return vectors
