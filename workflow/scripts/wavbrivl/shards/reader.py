"""Read media shards by position: any clip's sound or frame with one read."""

import io
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from PIL import Image

from wavbrivl.errors import UserError
from wavbrivl.files import read_json, write_json
from wavbrivl.shards.writer import index_path

LIST_SUFFIX = ".shards.json"
_NAME = re.compile(r"[a-z]+-\d{5}")
_EXTENSIONS = {360: "360.jpg", 64: "64.png"}


class ClipEntry(NamedTuple):
    """One clip of the index; `shard` counts the tars, `members` holds (offset, size) by extension."""

    clip_id: str
    video_id: str
    label: str
    caption_en: str
    caption_zh: str
    n_samples: int
    shard: int
    members: dict[str, tuple[int, int]]


class MediaShards:
    """The clips of several media shards as one list, in the order of the shards and their indexes.

    Tars are opened when first read and read with `pread`, so threads share an object; a copy sent to
    another process opens its own.

    Args:
        tars: paths of the shards, each with its index beside it, or lists of them (`write_list`).

    Raises:
        UserError: an index is missing or is not one.
    """

    def __init__(self, tars: Sequence[Path]) -> None:
        self._handles: dict[int, int] = {}
        self.tars = [tar for path in tars for tar in _listed(Path(path))]
        self.clips = [entry for number, tar in enumerate(self.tars) for entry in _entries(tar, number)]

    def __len__(self) -> int:
        return len(self.clips)

    def audio(self, i: int, start: int = 0, length: int | None = None) -> np.ndarray:
        """Sound of clip `i`: float32 [length] in [-1, 1] at 16 kHz, from sample `start` on."""
        frames = -1 if length is None else length
        samples, _ = soundfile.read(io.BytesIO(self.member(i, "flac")), frames, start, dtype="float32")
        return samples

    def image(self, i: int, size: int = 360, frame: int = 0) -> np.ndarray:
        """A stored frame of clip `i`: uint8 [size, size, 3] RGB; `size` is 360 or 64."""
        ext = _EXTENSIONS[size] if frame == 0 else f"{frame}.{_EXTENSIONS[size]}"
        with Image.open(io.BytesIO(self.member(i, ext))) as image:
            return np.asarray(image.convert("RGB"))

    def frames(self, i: int) -> int:
        """How many frames of clip `i` are stored."""
        return sum(ext.endswith(_EXTENSIONS[360]) for ext in self.clips[i].members)

    def meta(self, i: int) -> dict[str, Any]:
        """The JSON member of clip `i`: the manifest's columns, frame times, sizes, quality."""
        return json.loads(self.member(i, "json"))

    def member(self, i: int, ext: str) -> bytes:
        """Content of one member of clip `i`.

        Raises:
            UserError: the tar is shorter than its index says.
        """
        entry = self.clips[i]
        offset, size = entry.members[ext]
        data = os.pread(self._handle(entry.shard), size, offset)
        if len(data) != size:
            raise UserError(f"{self.tars[entry.shard]} is shorter than its index says: extract it again")
        return data

    def close(self) -> None:
        """Close the tars; they open again when read."""
        for handle in self._handles.values():
            os.close(handle)
        self._handles = {}

    def _handle(self, shard: int) -> int:
        handle = self._handles.get(shard)
        if handle is not None:
            return handle
        opened = os.open(self.tars[shard], os.O_RDONLY)
        handle = self._handles.setdefault(shard, opened)
        if handle != opened:  # another thread was quicker
            os.close(opened)
        return handle

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_handles": {}}

    def __del__(self) -> None:
        self.close()


def write_list(path: Path, split: str, tars: Sequence[Path]) -> None:
    """Write `<split>.shards.json` beside the shards of a split: their names and checksums."""
    checksums = {tar.stem: read_json(index_path(tar))["sha256"] for tar in tars}
    write_json(path, {"split": split, "shards": checksums})


def _listed(path: Path) -> list[Path]:
    """The shards of a list, which lie beside it; anything else is a shard itself."""
    if not path.name.endswith(LIST_SUFFIX):
        return [path]
    try:
        names = list(read_json(path)["shards"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not a list of media shards: {error!r}") from None
    strange = [name for name in names if not _NAME.fullmatch(name)]
    if strange:
        raise UserError(f"{path} names {strange[0][:80]!r}, which is no media shard")
    return [path.with_name(f"{name}.tar") for name in names]


def _entries(tar: Path, number: int) -> list[ClipEntry]:
    path = index_path(tar)
    if not path.is_file():
        raise UserError(f"{path} does not exist: a media shard needs its index")
    try:
        return [_entry(clip, number) for clip in read_json(path)["clips"]]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not the index of a media shard: {error!r}") from None


def _entry(clip: dict[str, Any], number: int) -> ClipEntry:
    members = {ext: (int(place[0]), int(place[1])) for ext, place in clip["members"].items()}
    return ClipEntry(
        clip["clip_id"], clip["video_id"], clip["label"], clip["caption_en"], clip["caption_zh"],
        clip["n_samples"], number, members,
    )  # fmt: skip
