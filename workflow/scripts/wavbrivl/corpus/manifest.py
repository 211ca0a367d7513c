"""From a clip list to shard manifests: selection, validation split, leakage, stable sharding."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wavbrivl.config.corpus import CorpusConfig
from wavbrivl.corpus.clips import Clip, clip_id, write_manifest
from wavbrivl.corpus.lists import (
    ListRow,
    ListSummary,
    list_version,
    read_list,
    selected,
    shard_names,
    video_ids,
)
from wavbrivl.errors import UserError
from wavbrivl.files import write_json


def build_manifest(
    config: CorpusConfig, summary: ListSummary, seed: int, out_dir: Path, world: Path | None = None
) -> None:
    """Write `<shard>.csv` for every shard (an empty one too) and `summary.json`.

    A video's clips stand in one shard, chosen by the SHA-256 of its id alone, so a longer list
    moves no video between splits. Videos of the official test split, and of the lists in
    `exclude_videos_in`, never train; `summary.json` says how many clips that took away.

    Args:
        summary: the answer of `check_list`: it fixes how many shards each split has.
        seed: draws the sample of `selection.sample`.
        world: folder of the embedded world, for the format `embedded`.

    Raises:
        UserError: a row of a list is malformed.
    """
    listed = read_list(config, world)
    kept = _sample([row for row in listed if selected(row, config)], config.selection.sample, seed)
    kept, leakage = _without_leaks(listed, kept, config.exclude_videos_in)
    clips = [_clip(row, _split(row, config), config, world) for row in kept]
    shards = _assign(clips, summary)
    for name, members in shards.items():
        write_manifest(out_dir / f"{name}.csv", members)
    path = (world / "clips.csv") if config.format == "embedded" and world else Path(config.clip_list or "")
    write_json(out_dir / "summary.json", _summary(clips, shards, leakage, list_version(path, listed)))


def unit_hash(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but `parts`: the same on every machine."""
    digest = hashlib.sha256("\x00".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _sample(rows: list[ListRow], n: int | None, seed: int) -> list[ListRow]:
    if n is None or n >= len(rows):
        return rows
    drawn = sorted(rows, key=lambda row: unit_hash(seed, "sample", row.video_id, row.start_ms))[:n]
    return sorted(drawn, key=lambda row: row.line)


def _without_leaks(
    listed: Iterable[ListRow], kept: list[ListRow], lists: Iterable[str]
) -> tuple[list[ListRow], dict[str, Any]]:
    """Take every video of an evaluation set out of training, counting each set's own share."""
    sets = {"test split of the list": {row.video_id for row in listed if row.split == "test"}}
    sets |= {name: video_ids(Path(name)) for name in lists}
    training = [row for row in kept if row.split == "train"]
    counts = {
        name: {
            "clips": sum(row.video_id in ids for row in training),
            "videos": len({row.video_id for row in training} & ids),
        }
        for name, ids in sets.items()
    }
    excluded = set().union(*sets.values())
    clean = [row for row in kept if row.split != "train" or row.video_id not in excluded]
    total = {"excluded_clips": len(kept) - len(clean), "videos_in": counts}
    return clean, total


def _split(row: ListRow, config: CorpusConfig) -> str:
    if row.split == "train" and unit_hash("validation", row.video_id) < config.validation_fraction:
        return "validation"
    return row.split


def _clip(row: ListRow, split: str, config: CorpusConfig, world: Path | None) -> Clip:
    return Clip(
        clip_id=clip_id(row.video_id, row.start_ms, row.end_ms),
        video_id=row.video_id,
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        label=row.label,
        split=split,
        address=_address(row, config, world),
        caption_en=row.caption_en,
        caption_zh=row.caption_zh,
        label_zh=row.label_zh,
    )


def _address(row: ListRow, config: CorpusConfig, world: Path | None) -> str:
    """Where the video is. A `file://` address is made here, from the world's own folder, only."""
    if config.format == "embedded" and world:
        path = (world / row.path).resolve()
        if not path.is_relative_to(world.resolve()):
            raise UserError(f"{world / 'clips.csv'}, line {row.line}: the path leaves the folder")
        return path.as_uri()
    if any(source.kind == "youtube" for source in config.sources):
        return f"https://www.youtube.com/watch?v={row.video_id}"
    return ""


def _assign(clips: Iterable[Clip], summary: ListSummary) -> dict[str, list[Clip]]:
    """Give each clip to the shard of its video, clips sorted by id within a shard."""
    names = shard_names(summary)
    shards: dict[str, list[Clip]] = {name: [] for group in names.values() for name in group}
    for clip in clips:
        group = names.get(clip.split) or []
        if not group:
            raise UserError(f"clip {clip.clip_id} belongs to the split '{clip.split}', which has no shard")
        shards[group[int(unit_hash("shard", clip.video_id) * len(group))]].append(clip)
    return {name: sorted(members, key=lambda clip: clip.clip_id) for name, members in shards.items()}


def _summary(
    clips: list[Clip], shards: dict[str, list[Clip]], leakage: dict[str, Any], version: str
) -> dict[str, Any]:
    by_split = Counter(clip.split for clip in clips)
    labels = {split: Counter(c.label for c in clips if c.split == split) for split in by_split}
    return {
        "list": version,
        "clips": dict(sorted(by_split.items())),
        "videos": {split: len({c.video_id for c in clips if c.split == split}) for split in sorted(by_split)},
        "shards": {name: len(members) for name, members in shards.items()},
        "leakage": leakage,
        "labels": {split: dict(sorted(labels[split].items())) for split in sorted(labels)},
    }
