"""Real frames in memory: what judges and classifiers learn from, and what drawings are compared with."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from wavbrivl.corpus.clips import clip_id, unit_hash
from wavbrivl.corpus.rows import labels_of
from wavbrivl.errors import UserError
from wavbrivl.progress import track
from wavbrivl.shards.reader import MediaShards

SIDE = 64
HIDDEN = ("size", "rate", "tone")
"""Hidden parameters of the embedded world that pictures show, each in [0, 1]."""

Truth = dict[str, tuple[float, ...]]
"""Hidden parameters by clip id, in the order of `HIDDEN`."""


@dataclass(frozen=True)
class Frames:
    """Real frames, all attributes in the same order.

    Attributes:
        images: uint8 [n, side, side, 3] RGB.
        clip_ids, video_ids, labels: [n].
        hidden: float32 [n, 3], the parameters of `HIDDEN`; NaN where nobody knows them.
    """

    images: np.ndarray
    clip_ids: list[str]
    video_ids: list[str]
    labels: list[str]
    hidden: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def read_truth(path: Path | None) -> Truth:
    """The embedded world's hidden parameters; empty for a corpus that has none.

    Raises:
        UserError: the file is not the world's `truth.csv`.
    """
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            return {
                clip_id(row["video_id"], int(row["start_ms"]), int(row["end_ms"])): tuple(
                    float(row[name]) for name in HIDDEN
                )
                for row in csv.DictReader(handle)
            }
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"{path}: not a table of hidden parameters ({error!r})") from None


def read_frames(
    shards: MediaShards,
    truth: Truth,
    limit: int | None = None,
    seed: int = 0,
    every_frame: bool = True,
    side: int = SIDE,
) -> Frames:
    """Read the stored frames of the clips that have exactly one label.

    Args:
        limit: at most this many clips, chosen by the seed; None reads all.
        every_frame: all stored frames of a clip, or its first alone.
        side: of the images; up to 64 they come from the small stored frames, above from the large ones.

    Raises:
        UserError: no clip has a single label.
    """
    chosen = [i for i, clip in enumerate(shards.clips) if len(labels_of(clip.label)) == 1]
    if not chosen:
        raise UserError(f"{shards.tars[0] if shards.tars else 'media'}: no clip with one label to judge by")
    if limit is not None and len(chosen) > limit:
        chosen = sorted(_drawn(chosen, shards, seed)[:limit])
    rows, images = [], []
    for i in track(chosen, "frames read"):
        for frame in range(shards.frames(i) if every_frame else 1):
            images.append(at_side(shards.image(i, SIDE if side <= SIDE else 360, frame)[None], side)[0])
            rows.append(shards.clips[i])
    return Frames(
        images=np.stack(images),
        clip_ids=[clip.clip_id for clip in rows],
        video_ids=[clip.video_id for clip in rows],
        labels=[clip.label for clip in rows],
        hidden=hidden_of([clip.clip_id for clip in rows], truth),
    )


def _drawn(places: list[int], shards: MediaShards, seed: int) -> list[int]:
    """The clips in an order that depends on the seed and on nothing but their ids."""
    return sorted(places, key=lambda i: unit_hash(seed, "frame", shards.clips[i].clip_id))


def hidden_of(clip_ids: Sequence[str], truth: Truth) -> np.ndarray:
    """Hidden parameters of clips, float32 [n, 3]; NaN where nobody knows them."""
    unknown = (np.nan,) * len(HIDDEN)
    rows = [truth.get(name, unknown) for name in clip_ids]
    return np.array(rows, dtype=np.float32).reshape(len(rows), len(HIDDEN))


def at_side(images: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Pictures of any size at `side` pixels, shrunk by area: uint8 [n, side, side, 3]."""
    if images.shape[1] == side:
        return images
    kind = Image.Resampling.BOX if images.shape[1] > side else Image.Resampling.BICUBIC
    return np.stack([np.asarray(Image.fromarray(image).resize((side, side), kind)) for image in images])
