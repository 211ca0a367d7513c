"""Frozen image embeddings of media shards: computed once, one matrix a split, read by memory map."""

import csv
import hashlib
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.files import atomic
from wavbrivl.progress import track
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.model import Teacher
from wavbrivl.teacher.pairs import SOURCE_SIZE

logger = logging.getLogger("wavbrivl")
COLUMNS = ("clip_id", "video_id", "label")


def embed_shards(
    shards: MediaShards, teacher: Teacher, out_npy: Path, out_csv: Path, batch_size: int,
    dtype: Literal["float32", "float16"] = "float32",
) -> None:  # fmt: skip
    """Embed every frame of every clip.

    Each shard's part is kept beside `out_npy` until the whole matrix is written, so a killed job goes on
    with the next shard. Parts carry what they were made from in their name: another teacher or other
    clips never reuse them.

    Args:
        shards: the split's media shards.
        teacher: the frozen towers.
        out_npy: matrix [n_clips, frames, dim] of `dtype`, unit norm, in the shards' order. A clip with
            fewer frames than the longest repeats them in turn.
        out_csv: its rows: clip_id, video_id, label.
        batch_size: images a forward pass.
        dtype: how the matrix is stored.
    """
    out_npy = Path(out_npy)
    numbers = range(len(shards))
    frames = max((shards.frames(number) for number in numbers), default=1)
    folder = out_npy.with_name(f".{out_npy.stem}.parts")
    folder.mkdir(parents=True, exist_ok=True)
    fingerprint = teacher.fingerprint()
    parts = [
        _embed_part(shards, clips, frames, teacher, batch_size, dtype, folder, fingerprint)
        for clips in track(_clips_by_shard(shards), f"shards embedded for {out_npy.name}")
    ]
    with atomic(out_npy) as temporary:
        _write_matrix(temporary, parts, (len(shards), frames, teacher.dim), dtype)
    write_rows(shards, out_csv)
    for part in folder.iterdir():
        part.unlink()
    folder.rmdir()


def load_embeddings(npy: Path, rows: Path) -> tuple[np.ndarray, list[dict[str, str]]]:
    """Open a split's matrix [n, frames, dim] by memory map, with its rows.

    Raises:
        UserError: the two files do not belong together.
    """
    matrix = np.load(npy, mmap_mode="r", allow_pickle=False)
    with Path(rows).open(encoding="utf-8", newline="") as handle:
        entries = list(csv.DictReader(handle))
    if matrix.ndim != 3 or len(matrix) != len(entries):
        raise UserError(f"{npy} of shape {matrix.shape} does not go with the {len(entries)} rows of {rows}")
    return matrix, entries


def mean_of_frames(matrix: np.ndarray) -> np.ndarray:
    """Mean over frames of [n, frames, dim], renormalised: float32 [n, dim]."""
    mean = np.asarray(matrix, dtype=np.float32).mean(axis=1)
    return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)


def write_rows(shards: MediaShards, path: Path) -> None:
    """Write clip_id, video_id and label of every clip, in order."""
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(clip, column) for column in COLUMNS] for clip in shards.clips)


def _clips_by_shard(shards: MediaShards) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    for number, clip in enumerate(shards.clips):
        groups.setdefault(clip.shard, []).append(number)
    return list(groups.values())


def _embed_part(
    shards: MediaShards, clips: list[int], frames: int, teacher: Teacher, batch_size: int,
    dtype: str, folder: Path, fingerprint: str,
) -> Path:  # fmt: skip
    path = folder / f"{_part_name(shards, clips, frames, dtype, fingerprint)}.npy"
    if path.exists():
        return path
    wanted = [(clip, frame % shards.frames(clip)) for clip in clips for frame in range(frames)]
    rows = [teacher.embed_images(images, batch_size) for images in _read_ahead(shards, wanted, batch_size)]
    matrix = np.concatenate(rows).reshape(len(clips), frames, teacher.dim).astype(dtype)
    with atomic(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, matrix)
    return path


def _part_name(shards: MediaShards, clips: list[int], frames: int, dtype: str, fingerprint: str) -> str:
    digest = hashlib.sha256(f"{fingerprint} {frames} {dtype}".encode())
    for clip in clips:
        entry = shards.clips[clip]
        digest.update(f"{entry.clip_id} {sorted(entry.members.items())}".encode())
    return digest.hexdigest()[:32]


def _read_ahead(
    shards: MediaShards, wanted: Sequence[tuple[int, int]], batch_size: int
) -> Iterator[np.ndarray]:
    """Decode the next batch in a thread while the caller computes on this one."""
    batches = [wanted[start : start + batch_size] for start in range(0, len(wanted), batch_size)]

    def read(batch: Sequence[tuple[int, int]]) -> np.ndarray:
        return np.stack([shards.image(clip, SOURCE_SIZE, frame) for clip, frame in batch])

    with ThreadPoolExecutor(max_workers=1) as pool:
        ahead = pool.submit(read, batches[0])
        for following in batches[1:]:
            current, ahead = ahead, pool.submit(read, following)
            yield current.result()
        yield ahead.result()


def _write_matrix(path: Path, parts: list[Path], shape: tuple[int, int, int], dtype: str) -> None:
    matrix = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    start = 0
    for part in parts:
        rows = np.load(part, allow_pickle=False)
        matrix[start : start + len(rows)] = rows
        start += len(rows)
    matrix.flush()
