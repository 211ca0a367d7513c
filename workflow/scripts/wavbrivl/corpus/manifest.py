"""From a clip list to shard manifests: selection, validation split, leakage, stable sharding."""

import heapq
import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from wavbrivl.config.corpus import CorpusConfig
from wavbrivl.corpus.clips import cells_text, clip_id, unit_hash
from wavbrivl.corpus.lists import (
    ClipList,
    ListSummary,
    label_counts,
    read_list,
    selected,
    shard_names,
    video_ids,
    without_collection,
)
from wavbrivl.corpus.rows import ListRow
from wavbrivl.errors import UserError
from wavbrivl.files import atomic, write_json
from wavbrivl.progress import track

SPLITS = ("test", "train", "validation")
PACK = 10
"""Manifests in a pack. Planning looks through all outputs of a rule once for each file that it makes: with
thousands of manifests made by one rule, that is half of the planning."""


def build_manifest(
    config: CorpusConfig,
    summary: ListSummary,
    seed: int,
    out_dir: Path,
    paths: list[Path],
    world: Path | None = None,
) -> None:
    """Write the manifests of all shards, ten to a pack (`packs/<pack>`), and `summary.json`.

    A video's clips stand in one shard, chosen by the SHA-256 of its id alone, so a longer list
    moves no video between splits. Videos of the official test split, and of the lists in
    `exclude_videos_in`, never train; `summary.json` says how many clips that took away.

    Args:
        summary: the answer of `check_list`: it fixes how many shards each split has.
        seed: draws the sample of `selection.sample`, out of the clips that may be used.
        paths: the files of the list (`lists.list_paths`).
        world: folder of the embedded world, for the format `embedded`.

    Raises:
        UserError: a row of a list is malformed, or too few clips are left for the sample.
    """
    with without_collection():
        _build(config, summary, seed, out_dir, paths, world)


def _build(
    config: CorpusConfig,
    summary: ListSummary,
    seed: int,
    out_dir: Path,
    paths: list[Path],
    world: Path | None,
) -> None:
    listed = read_list(config, paths)
    kept, leakage = _without_leaks(listed.rows, selected(listed.rows, config), config.exclude_videos_in)
    kept = _sample(kept, config.selection.sample, seed)
    by_split = _by_split(kept, config)
    address = _addresses(config, world)
    sizes = {}
    for split, group in shard_names(summary).items():
        shards = _assign(by_split[split], split, len(group))
        sizes |= {name: len(rows) for name, rows in zip(group, shards, strict=True)}
        for first in track(range(0, len(group), PACK), f"{split} manifests, in tens"):
            members = shards[first : first + PACK]
            cells = [sorted(_cells(row, split, address(row)) for row in rows) for rows in members]
            _write_pack(out_dir / "packs" / pack_of(group[first]), cells)
    write_json(out_dir / "summary.json", _summary(by_split, sizes, leakage, listed))


def pack_of(shard: str) -> str:
    """The pack that holds a shard's manifest: its name without the last digit."""
    return shard[:-1]


def split_pack(pack: Path, manifests: Sequence[Path]) -> None:
    """Write the ten manifests of a pack; those that it does not hold are manifests without clips.

    Raises:
        UserError: the file is no pack.
    """
    with pack.open("rb") as handle:
        try:
            sizes = json.loads(handle.readline())
            texts = [handle.read(size) for size in sizes]
        except (ValueError, TypeError):
            sizes = texts = []
        whole = [len(text) for text in texts] == sizes and not handle.read(1)
        if not whole or not 0 < len(texts) <= len(manifests):
            raise UserError(f"{pack} is no pack of manifests: build it anew")
    texts += [cells_text([]).encode()] * (len(manifests) - len(texts))
    for path, text in zip(manifests, texts, strict=True):
        with atomic(path) as temporary:
            temporary.write_bytes(text)


def _write_pack(path: Path, members: list[list[tuple[object, ...]]]) -> None:
    """The manifests one behind the other, and how long each is in the first line."""
    texts = [cells_text(rows).encode() for rows in members]
    with atomic(path) as temporary:
        temporary.write_bytes(b"".join([json.dumps([len(text) for text in texts]).encode(), b"\n", *texts]))


def _without_leaks(
    listed: Iterable[ListRow], kept: list[ListRow], lists: Iterable[str]
) -> tuple[list[ListRow], dict[str, Any]]:
    """Take every video of an evaluation set out of training, counting each set's own share."""
    sets = {"test split of the list": {row.video_id for row in listed if row.split == "test"}}
    sets |= {name: video_ids(Path(name)) for name in lists}
    training = [row.video_id for row in kept if row.split == "train"]
    counts = {}
    for name, ids in sets.items():
        held = [video for video in training if video in ids]
        counts[name] = {"clips": len(held), "videos": len(set(held))}
    excluded = set().union(*sets.values())
    clean = [row for row in kept if row.split != "train" or row.video_id not in excluded]
    total = {"excluded_clips": len(kept) - len(clean), "videos_in": counts}
    return clean, total


def _sample(rows: list[ListRow], n: int | None, seed: int) -> list[ListRow]:
    """Exactly n rows, in the order of the list; another row of the list displaces at most one."""
    if n is None:
        return rows
    if n > len(rows):
        raise UserError(
            f"corpus.selection.sample: {n} clips are asked for, and {len(rows)} are left "
            "when the videos of evaluation sets are out"
        )

    def drawn(place: int) -> float:
        row = rows[place]
        return unit_hash(seed, "sample", row.video_id, row.start_ms)

    return [rows[place] for place in sorted(heapq.nsmallest(n, range(len(rows)), key=drawn))]


def _by_split(rows: list[ListRow], config: CorpusConfig) -> dict[str, list[ListRow]]:
    """The rows of each split, validation carved out of train by a hash of the video id."""
    groups: dict[str, list[ListRow]] = {split: [] for split in SPLITS}
    for row in rows:
        held_out = row.split == "train" and unit_hash("validation", row.video_id) < config.validation_fraction
        groups["validation" if held_out else row.split].append(row)
    return groups


def _assign(rows: list[ListRow], split: str, count: int) -> list[list[ListRow]]:
    """Give each row to the shard of its video."""
    if rows and not count:
        row = rows[0]
        name = clip_id(row.video_id, row.start_ms, row.end_ms)
        raise UserError(f"clip {name} belongs to the split '{split}', which has no shard")
    shards: list[list[ListRow]] = [[] for _ in range(count)]
    for row in rows:
        shards[int(unit_hash("shard", row.video_id) * count)].append(row)
    return shards


def _cells(row: ListRow, split: str, address: str) -> tuple[object, ...]:
    """A row of the manifest, in the order of its columns; the clip id comes first."""
    _, video, start, end, label, _, caption_en, caption_zh, label_zh, _ = row
    name = clip_id(video, start, end)
    return name, video, start, end, label, split, address, caption_en, caption_zh, label_zh


def _addresses(config: CorpusConfig, world: Path | None) -> Callable[[ListRow], str]:
    """Where each row's video is. A `file://` address is made here, from the world's own folder, only."""
    if config.format == "embedded" and world:
        root = world.resolve()

        @cache
        def inside(path: str) -> str:
            whole = (root / path).resolve()
            if not whole.is_relative_to(root):
                raise UserError(f"{world / 'clips.csv'}: the path {path[:80]} leaves the folder")
            return whole.as_uri()

        return lambda row: inside(row.path)
    if any(source.kind == "youtube" for source in config.sources):
        return lambda row: f"https://www.youtube.com/watch?v={row.video_id}"
    return lambda row: ""


def _summary(
    by_split: dict[str, list[ListRow]], sizes: dict[str, int], leakage: dict[str, Any], listed: ClipList
) -> dict[str, Any]:
    filled = {split: rows for split, rows in by_split.items() if rows}
    return {
        "list": listed.version,
        "repeated": listed.repeated,
        "clips": {split: len(rows) for split, rows in filled.items()},
        "videos": {split: len({row.video_id for row in rows}) for split, rows in filled.items()},
        "shards": sizes,
        "leakage": leakage,
        "labels": {split: dict(sorted(label_counts(rows).items())) for split, rows in filled.items()},
    }
