"""Write one media shard: a deterministic WebDataset tar and the index of its members."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from wavbrivl.files import atomic, write_json
from wavbrivl.shards.tar import TarWriter

INDEX_KEYS = ("clip_id", "video_id", "label", "caption_en", "caption_zh", "n_samples")


def index_path(tar: Path) -> Path:
    """Where the index of a shard lies: `<shard>.index.json` beside `<shard>.tar`."""
    return tar.with_name(f"{tar.stem}.index.json")


class ShardWriter:
    """Context manager; members go to disk as they come, and both files appear at the end or not at all.

    Clips must be added in the order of `sort_key`, so that the members' names are sorted.
    """

    def __init__(self, tar: Path, split: str) -> None:
        self.tar = tar
        self.split = split
        self.clips: list[dict[str, Any]] = []
        self._stack = ExitStack()
        self._last = ""

    def __enter__(self) -> "ShardWriter":
        temporary = self._stack.enter_context(atomic(self.tar))
        self._writer = TarWriter(self._stack.enter_context(temporary.open("wb")))
        return self

    def add(self, meta: Mapping[str, Any], members: Mapping[str, bytes]) -> None:
        """Add a clip.

        Args:
            meta: holds at least the keys of the index, `INDEX_KEYS`.
            members: content by extension, such as `flac` or `360.jpg`.

        Raises:
            ValueError: the clips do not come in order.
        """
        name = meta["clip_id"]
        if sort_key(name) <= self._last:
            raise ValueError(f"clip {name} does not come in order")
        self._last = sort_key(name)
        places = {ext: list(self._writer.add(f"{name}.{ext}", members[ext])) for ext in sorted(members)}
        self.clips.append({key: meta[key] for key in INDEX_KEYS} | {"members": places})

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        digest = self._writer.finish() if kind is None else ""
        self._stack.__exit__(kind, error, trace)
        if kind is None:
            index = {"shard": self.tar.stem, "split": self.split, "sha256": digest, "clips": self.clips}
            write_json(index_path(self.tar), index)


def sort_key(clip_id: str) -> str:
    """Sorts clips as the names of their members sort."""
    return clip_id + "."
