"""Frozen image embeddings of media shards, a group of shards a job; a killed job goes on by shard."""

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch

from wavbrivl.files import atomic
from wavbrivl.progress import track
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.boxes import Boxes
from wavbrivl.teacher.interface import FrozenTeacher
from wavbrivl.teacher.pairs import SOURCE_SIZE


@dataclass(frozen=True)
class EmbedPlan:
    """What is embedded of each clip, and how.

    Attributes:
        frames: stored frames of a clip; one with fewer repeats them in turn.
        views: augmented views of each frame of the train split, beside the plain one.
        seed: of these views; each is drawn from it, the clip, the frame and its own number.
        batch_size: images a forward pass.
        dtype: how embeddings are stored.
        boxes: folder of a detector's regions, or None.
    """

    frames: int = 1
    views: int = 0
    seed: int = 0
    batch_size: int = 64
    dtype: Literal["float32", "float16"] = "float32"
    boxes: Path | None = None


class _Batch(NamedTuple):
    """Images of some clips, row by row: clip, then view, then frame."""

    images: np.ndarray
    looks: list[torch.Generator | None] | None
    boxes: np.ndarray | None


def embed_part(
    tars: Sequence[Path], teacher: FrozenTeacher, plan: EmbedPlan, out: Path, spool: Path, readers: int = 2
) -> None:
    """Embed every frame of every clip of some shards.

    Each shard's matrix is kept in `spool` until all are there. Its name says what it was made from, so
    another teacher, plan or shard never reuses it.

    Args:
        tars: media shards; the split is what their names begin with.
        out: `.npz` with one array a shard, by the shard's name: [clips, rows, dim] of `plan.dtype`, unit
            norm. Rows are the plain frames, then, in the train split, each view's frames.
        spool: folder that other jobs may share.
        readers: threads that decode while the towers compute; they change no result.
    """
    fingerprint = teacher.fingerprint()
    done = {}
    for tar in track(tars, f"shards embedded for {out.name}"):
        of_split = plan if tar.stem.startswith("train-") else replace(plan, views=0)
        done[tar.stem] = _embed_shard(tar, teacher, of_split, spool, fingerprint, readers)
    with atomic(out) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **{shard: np.load(path, allow_pickle=False) for shard, path in done.items()})
    for path in done.values():
        path.unlink(missing_ok=True)


def embed_clips(
    shards: MediaShards, teacher: FrozenTeacher, plan: EmbedPlan, readers: int = 2, boxes: Boxes | None = None
) -> np.ndarray:
    """Embed the clips of opened shards: [clips, (1 + views) * frames, dim] float32, unit norm."""
    rows = (1 + plan.views) * plan.frames
    parts = [
        teacher.embed_images(batch.images, plan.batch_size, batch.boxes, batch.looks)
        for batch in _read_ahead(shards, plan, boxes, teacher.image_size, readers)
    ]
    if not parts:
        return np.zeros((0, rows, teacher.dim), dtype=np.float32)
    return np.concatenate(parts).reshape(len(shards), rows, teacher.dim)


def _embed_shard(
    tar: Path, teacher: FrozenTeacher, plan: EmbedPlan, spool: Path, fingerprint: str, readers: int
) -> Path:
    shards = MediaShards([tar])
    boxes = Boxes(plan.boxes / f"{tar.stem}.jsonl", SOURCE_SIZE) if plan.boxes else None
    path = spool / f"{_name(shards, plan, boxes, fingerprint)}.npy"
    if not path.exists():
        matrix = embed_clips(shards, teacher, plan, readers, boxes).astype(plan.dtype)
        with atomic(path) as temporary, temporary.open("wb") as handle:
            np.save(handle, matrix)
    shards.close()
    return path


def _name(shards: MediaShards, plan: EmbedPlan, boxes: Boxes | None, fingerprint: str) -> str:
    """What decides a shard's embeddings, as a file name; the batch size does not."""
    facts = [fingerprint, plan.frames, plan.views, plan.seed, plan.dtype, boxes.digest if boxes else None]
    found = hashlib.sha256(json.dumps(facts).encode())
    for clip in shards.clips:
        found.update(f"{clip.clip_id} {sorted(clip.members.items())}".encode())
    return found.hexdigest()[:32]


def _read_ahead(
    shards: MediaShards, plan: EmbedPlan, boxes: Boxes | None, side: int, readers: int
) -> Iterator[_Batch]:
    """Decode the next batches in threads while the caller computes on this one, in order."""
    size = max(1, plan.batch_size // ((1 + plan.views) * plan.frames))
    starts = iter(range(0, len(shards), size))

    def read(start: int) -> _Batch:
        return _batch(shards, range(start, min(start + size, len(shards))), plan, boxes, side)

    with ThreadPoolExecutor(max_workers=readers) as pool:
        waiting: deque[Future[_Batch]] = deque()
        try:
            while True:
                while len(waiting) <= readers and (start := next(starts, None)) is not None:
                    waiting.append(pool.submit(read, start))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _batch(shards: MediaShards, clips: range, plan: EmbedPlan, boxes: Boxes | None, side: int) -> _Batch:
    images, looks, regions = [], [], []
    for clip in clips:
        name, stored = shards.clips[clip].clip_id, shards.frames(clip)
        frames = [frame % stored for frame in range(plan.frames)]
        decoded = {frame: shards.image(clip, SOURCE_SIZE, frame) for frame in set(frames)}
        for view in range(1 + plan.views):
            images += [decoded[frame] for frame in frames]
            looks += [_look(plan.seed, name, frame, view) for frame in range(plan.frames)]
            if boxes:
                regions += [boxes.of(name, frame, side) for frame in frames]
    return _Batch(np.stack(images), looks if plan.views else None, np.stack(regions) if boxes else None)


def _look(seed: int, clip: str, frame: int, view: int) -> torch.Generator | None:
    """The generator of one view, a function of its arguments alone; none for the plain picture."""
    if view == 0:
        return None
    drawn = hashlib.sha256(f"{seed} {clip} {frame} {view}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(drawn[:7], "big"))
