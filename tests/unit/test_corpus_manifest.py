"""Manifests: splits, leakage, sharding, addresses."""

import csv
from pathlib import Path

import pytest

from wavbrivl.config.corpus import CorpusConfig, Source
from wavbrivl.corpus.clips import clip_id, read_manifest
from wavbrivl.corpus.lists import ListSummary, check_list, list_paths, shard_names
from wavbrivl.corpus.manifest import PACK, build_manifest, split_pack
from wavbrivl.errors import UserError
from wavbrivl.files import read_json


def build(tmp_path: Path, rows: list[list], **extra):
    path = tmp_path / "list.csv"
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    values = {"clips_per_shard": 20, "clip_seconds": 10, "sources": [Source(kind="youtube")]} | extra
    config = CorpusConfig(format="vggsound", clip_list=str(path), **values)
    return built(tmp_path, config)


def split_all(out: Path) -> None:
    for pack in (out / "packs").iterdir():
        split_pack(pack, [out / f"{pack.name}{digit}.csv" for digit in range(PACK)])


def built(tmp_path: Path, config: CorpusConfig):
    """The clips of every shard of a corpus, and its summary."""
    summary = check_list(config, tmp_path / "cache")
    out = tmp_path / "manifest"
    build_manifest(config, summary, 7, out, list_paths(config, tmp_path / "cache", tmp_path))
    split_all(out)
    shards = {
        name: read_manifest(out / f"{name}.csv") for group in shard_names(summary).values() for name in group
    }
    return shards, read_json(out / "summary.json")


ROWS = [[f"{i % 70:011d}", i // 70 * 10, f"label {i % 3}", "train"] for i in range(140)]
ROWS += [[f"t{i:010d}", 5, "label 1", "test"] for i in range(30)]


def test_every_clip_is_in_one_shard_and_every_video_too(tmp_path):
    shards, summary = build(tmp_path, ROWS)
    names = [clip.clip_id for clips in shards.values() for clip in clips]
    assert sorted(names) == sorted(clip_id(v, s * 1000, s * 1000 + 10000) for v, s, _, _ in ROWS)
    homes: dict[str, set[str]] = {}
    for name, clips in shards.items():
        assert clips == sorted(clips, key=lambda clip: clip.clip_id)
        for clip in clips:
            homes.setdefault(clip.video_id, set()).add(name)
            assert name.startswith(clip.split)
    assert all(len(home) == 1 for home in homes.values())
    assert summary["clips"]["test"] == 30
    assert 0 < summary["clips"]["validation"] < 50
    assert summary["shards"] == {name: len(clips) for name, clips in shards.items()}


def test_addresses_are_of_the_source(tmp_path):
    shards, _ = build(tmp_path, ROWS)
    clip = next(clip for clips in shards.values() for clip in clips)
    assert clip.address == f"https://www.youtube.com/watch?v={clip.video_id}"


def test_evaluation_videos_leave_training_with_counts(tmp_path):
    evaluation = tmp_path / "eval.csv"
    head = "# a\n# b\n# YTID, start_seconds, end_seconds, positive_labels\n"
    evaluation.write_text(head + "".join(f'{i:011d}, 0.000, 10.000, "/m/09x0r,/m/1"\n' for i in range(5)))
    leak = [["t0000000003", 90, "label 2", "train"]]  # also in the list's own test split
    shards, summary = build(tmp_path, ROWS + leak, exclude_videos_in=[str(evaluation)])
    by_split = {split: {c.video_id for n, cs in shards.items() for c in cs if n.startswith(split)}
                for split in ("train", "validation", "test")}  # fmt: skip
    banned = {f"{i:011d}" for i in range(5)} | {f"t{i:010d}" for i in range(30)}
    assert not by_split["train"] & banned
    assert not by_split["validation"] & banned
    assert not by_split["train"] & by_split["validation"]
    assert summary["leakage"] == {
        "excluded_clips": 11,
        "videos_in": {
            "test split of the list": {"clips": 1, "videos": 1},
            str(evaluation): {"clips": 10, "videos": 5},
        },
    }


def test_a_longer_list_moves_no_video_between_splits(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    short, _ = build(tmp_path / "a", ROWS)
    long, _ = build(tmp_path / "b", ROWS + [[f"z{i:010d}", 0, "label 0", "train"] for i in range(200)])
    split = {clip.clip_id: clip.split for clips in long.values() for clip in clips}
    assert all(split[clip.clip_id] == clip.split for clips in short.values() for clip in clips)


def test_selection_and_sample(tmp_path):
    shards, summary = build(
        tmp_path, ROWS, selection={"splits": ["train"], "classes": ["label 0"], "sample": 10}
    )
    clips = [clip for group in shards.values() for clip in group]
    assert len(clips) == 10 and {clip.label for clip in clips} == {"label 0"}
    assert "test" not in summary["clips"]


def test_the_same_input_gives_the_same_bytes_and_empty_shards_exist(tmp_path):
    build(tmp_path, ROWS[:2], clips_per_shard=1, validation_fraction=0.9)
    first = {p.name: p.read_bytes() for p in (tmp_path / "manifest").glob("*.*")}
    build(tmp_path, ROWS[:2], clips_per_shard=1, validation_fraction=0.9)
    assert first == {p.name: p.read_bytes() for p in (tmp_path / "manifest").glob("*.*")}
    packs = [f"{split}-0000{digit}.csv" for split in ("train", "validation") for digit in range(10)]
    assert set(first) == {"summary.json", *packs}
    assert sum(len(data.splitlines()) for name, data in first.items() if name in packs) == 20 + 2


def test_a_pack_that_is_none_or_not_whole_is_refused(tmp_path):
    build(tmp_path, ROWS)
    pack = tmp_path / "manifest" / "packs" / "train-0000"
    whole = pack.read_bytes()
    manifests = [tmp_path / "out" / f"{digit}.csv" for digit in range(PACK)]
    for data in (
        b"",
        b"clip_id\n",
        b"7\n",
        b"[]\n",
        b"[3, 4]\nabc",
        b"[1, 1]\nabc",
        whole + b"x",
        whole[:-1],
    ):
        pack.write_bytes(data)
        with pytest.raises(UserError, match="train-0000 is no pack of manifests"):
            split_pack(pack, manifests)
    assert not (tmp_path / "out").exists()


def write_world(folder: Path, rows: list[list]) -> None:
    folder.mkdir(exist_ok=True)
    header = ["video_id", "start_ms", "end_ms", "label", "split"]
    header += ["caption_en", "caption_zh", "label_zh", "path"]
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([header, *rows])


def test_the_worlds_addresses_stay_in_its_folder(tmp_path):
    row = ["v1", 0, 2000, "bell", "test", "a bell", "一口钟", "钟", "videos/v1.mp4"]
    write_world(tmp_path / "world", [row])
    clips = tmp_path / "world" / "clips.csv"
    summary = ListSummary({}, {"train": 1, "validation": 1, "test": 1}, "")
    build_manifest(CorpusConfig(), summary, 7, tmp_path / "m", [clips], tmp_path / "world")
    split_all(tmp_path / "m")
    (clip,) = read_manifest(tmp_path / "m" / "test-00000.csv")
    assert clip.address == (tmp_path / "world" / "videos" / "v1.mp4").as_uri() and clip.caption_zh == "一口钟"
    write_world(tmp_path / "world", [[*row[:-1], "../outside.mp4"]])
    with pytest.raises(UserError, match="leaves the folder"):
        build_manifest(CorpusConfig(), summary, 7, tmp_path / "m", [clips], tmp_path / "world")
