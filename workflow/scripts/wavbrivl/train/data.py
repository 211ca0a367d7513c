"""Batches of sound and image embeddings, read ahead of the training step."""

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.progress import track
from wavbrivl.train.augment import Augmentation, Draw, apply, draw
from wavbrivl.train.order import Share

T = TypeVar("T")


class Sounds(Protocol):
    """What training needs of `wavbrivl.shards.reader.MediaShards`."""

    clips: Sequence[Any]

    def audio(self, i: int, start: int = 0, length: int | None = None) -> np.ndarray: ...


@dataclass(frozen=True)
class Batch:
    """waveforms float32 [batch, window]; images float32 [batch, dim], unit norm; ids int64 [batch]."""

    waveforms: np.ndarray
    images: np.ndarray
    clips: np.ndarray
    videos: np.ndarray


class ImageEmbeddings:
    """The teacher's image embeddings of a split, in the order of its clips, read by memory map."""

    def __init__(self, matrix: Path, table: Path, clips: Sequence[Any]) -> None:
        """Open a matrix [n, frames, dim] and line it up with `clips` by their clip_id.

        Raises:
            UserError: the files do not fit each other, or a clip has no embedding.
        """
        self.matrix = np.load(matrix, mmap_mode="r")
        with Path(table).open(encoding="utf-8", newline="") as handle:
            rows = {row["clip_id"]: i for i, row in enumerate(csv.DictReader(handle))}
        if self.matrix.ndim != 3 or len(rows) != len(self.matrix):
            shape = self.matrix.shape
            raise UserError(f"{matrix} of shape {shape} does not fit the {len(rows)} rows of {table}")
        absent = [clip.clip_id for clip in clips if clip.clip_id not in rows]
        if absent:
            raise UserError(f"{table} has no embedding of {len(absent)} clips, the first is {absent[0]}")
        self.rows = np.array([rows[clip.clip_id] for clip in clips], dtype=np.int64)

    @property
    def dim(self) -> int:
        """Width of the teacher's space."""
        return self.matrix.shape[2]

    @property
    def frames(self) -> int:
        """Frames of each clip."""
        return self.matrix.shape[1]

    def of_frames(self, indices: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """One frame of each clip: float32 [n, dim], unit norm."""
        return _unit(np.asarray(self.matrix[self.rows[indices], frames], dtype=np.float32))

    def of_clips(self, indices: np.ndarray) -> np.ndarray:
        """The mean over all frames of each clip: float32 [n, dim], unit norm."""
        return _unit(np.asarray(self.matrix[self.rows[indices]], dtype=np.float32).mean(axis=1))


class SoundCache:
    """All sound of a small corpus as 16 bit integers in memory; otherwise it is read when asked for.

    Media shards hold 16 bit sound, so what comes out is the same to the last bit.
    """

    def __init__(self, sounds: Sounds, limit_mib: int) -> None:
        self.sounds = sounds
        size = 2 * sum(clip.n_samples for clip in sounds.clips)
        self.held: list[np.ndarray] | None = None
        if size <= limit_mib * 2**20:
            self.held = [_to_int16(sounds.audio(i)) for i in track(range(len(sounds.clips)), "sounds read")]

    def audio(self, i: int, start: int, length: int) -> np.ndarray:
        """Samples start to start + length of clip i, or as many as there are; float32 in [-1, 1]."""
        if self.held is None:
            return self.sounds.audio(i, start, length)
        return self.held[i][start : start + length].astype(np.float32) / np.float32(32768)


class TrainingSet:
    """Training batches; each is a pure function of the seed and the samples' positions."""

    def __init__(
        self,
        sounds: Sounds,
        images: ImageEmbeddings,
        augmentation: Augmentation,
        seed: int,
        cache_mib: int = 0,
    ) -> None:
        self.clips = sounds.clips
        self.images = images
        self.augmentation = augmentation
        self.seed = seed
        self.cache = SoundCache(sounds, cache_mib)
        videos = {video: i for i, video in enumerate(sorted({clip.video_id for clip in self.clips}))}
        self.videos = np.array([videos[clip.video_id] for clip in self.clips], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, share: Share) -> Batch:
        """Read, crop and augment the clips of one share."""
        draws = [self._draw(i, p) for i, p in zip(share.indices, share.positions, strict=True)]
        waveforms = [self._crop(i, d) for i, d in zip(share.indices, draws, strict=True)]
        frames = np.array([d.frame for d in draws])
        images = self.images.of_frames(share.indices, frames)
        return Batch(np.stack(waveforms), images, share.indices, self.videos[share.indices])

    def _draw(self, index: int, position: int) -> Draw:
        samples = self.clips[index].n_samples
        return draw(self.seed, int(position), samples, self.images.frames, self.augmentation)

    def _crop(self, index: int, drawn: Draw) -> np.ndarray:
        crop = self.cache.audio(int(index), drawn.start, self.augmentation.window)
        return apply(crop, drawn, self.augmentation)


def prefetch(make: Callable[[int], T], steps: range, depth: int = 3, threads: int = 1) -> Iterator[T]:
    """Yield make(step) in order, made ahead of time in other threads; their errors are raised here."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque = deque()
        try:
            for step in steps:
                waiting.append(pool.submit(make, step))
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _to_int16(waveform: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(waveform * 32768), -32768, 32767).astype(np.int16)
