"""A corpus in VEGAS's layout: its tables, its split, its files, and the embedded one written in it."""

from pathlib import Path

import pytest

from wavbrivl.config.corpus import (
    VEGAS_CLASSES,
    CorpusConfig,
    FetchConfig,
    MediaConfig,
    Source,
    VegasConfig,
    WorldConfig,
)
from wavbrivl.corpus.clips import Clip, clip_id
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.ledger import read_ledger
from wavbrivl.corpus.lists import check_list, list_paths, read_list, video_ids
from wavbrivl.corpus.manifest import build_manifest, split_pack
from wavbrivl.corpus.media import extract_shard
from wavbrivl.corpus.sources import open_sources
from wavbrivl.corpus.sources.vegas import VegasSource
from wavbrivl.corpus.vegas import read_vegas
from wavbrivl.errors import UserError
from wavbrivl.shards.reader import MediaShards
from wavbrivl.world.vegas import write_vegas

WORLD = WorldConfig(vegas_clips_per_class=2)


def table(root: Path, text: str, name: str = "dog") -> Path:
    path = root / name / "video_info.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


HEAD = "YTID,start_second,end_second\n"


def test_rows_are_clips_and_numbers_follow_their_order(tmp_path):
    path = table(
        tmp_path, HEAD + "aaaaaaaaaaa,10,17.5\n-bbbbbbbbbb,0,4\naaaaaaaaaaa,10,17.5\nccccccccccc,3.25,9\n"
    )
    (path.parent / "videos").mkdir()
    rows = list(read_vegas(path, VegasConfig()))
    assert [(r.video_id, r.start_ms, r.end_ms, r.path) for r in rows] == [
        ("aaaaaaaaaaa", 10000, 17500, "dog/videos/video_00001.mp4"),
        ("-bbbbbbbbbb", 0, 4000, "dog/videos/video_00002.mp4"),
        ("ccccccccccc", 3250, 9000, "dog/videos/video_00004.mp4"),
    ]
    assert {(r.label, r.label_zh) for r in rows} == {("dog", "狗")}
    (path.parent / "videos" / "video_00000.mp4").touch()
    assert next(read_vegas(path, VegasConfig())).path == "dog/videos/video_00000.mp4"


def test_the_split_is_a_hash_of_the_video_or_a_list(tmp_path):
    videos = [f"{i:011d}" for i in range(3000)]
    path = table(
        tmp_path, HEAD + "".join(f"{video},{5 * k},{5 * k + 5}\n" for video in videos for k in (0, 1))
    )
    rows = list(read_vegas(path, VegasConfig()))
    tested = {row.video_id for row in rows if row.split == "test"}
    assert not tested & {row.video_id for row in rows if row.split == "train"}
    assert len(tested) / len(videos) == pytest.approx(0.111, abs=0.02)
    (tmp_path / "test.txt").write_text("dog/video_00003\nbaby_cry/video_00001\n")
    listed = list(read_vegas(path, VegasConfig(test_list=str(tmp_path / "test.txt"))))
    assert [i for i, row in enumerate(listed, start=1) if row.split == "test"] == [3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("YTID,start\n", "line 1: expected the columns"),
        (HEAD + "short,1,2\n", "line 2: malformed video id"),
        (HEAD + "aaaaaaaaaaa,x,2\n", "line 2: a time must be seconds"),
        (HEAD + "aaaaaaaaaaa,nan,2\n", "line 2: a time must be seconds"),
        (HEAD + "aaaaaaaaaaa,5,5\n", "before it begins"),
        (HEAD + "aaaaaaaaaaa,5\n", "line 2: expected 3 columns"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, text, said):
    with pytest.raises(UserError, match=said):
        list(read_vegas(table(tmp_path, text), VegasConfig()))


def test_a_wrong_line_of_the_test_list_is_named(tmp_path):
    (tmp_path / "test.txt").write_text("dog/video_00003\n../../etc/passwd\n")
    with pytest.raises(UserError, match=r"test.txt, line 2"):
        list(read_vegas(table(tmp_path, HEAD), VegasConfig(test_list=str(tmp_path / "test.txt"))))


def test_its_videos_can_leave_another_corpus(layout):
    table = layout / "dog" / "video_info.csv"
    assert video_ids(table) == {row.video_id for row in read_vegas(table, VegasConfig())}


def test_format_and_source_go_together():
    with pytest.raises(ValueError, match="goes with corpus.format 'vegas'"):
        CorpusConfig(format="vegas", sources=[Source(kind="folder", path="x")])
    with pytest.raises(ValueError, match="goes with corpus.format 'vegas'"):
        CorpusConfig(sources=[Source(kind="embedded"), Source(kind="vegas")])


@pytest.fixture(scope="module")
def layout(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("vegas") / "VEGAS"
    write_vegas(root, WORLD, seed=3)
    return root


def test_the_embedded_layout_is_the_publishers(layout):
    found = sorted(str(path.relative_to(layout)) for path in layout.rglob("*") if path.is_file())
    wanted = [f"{name}/video_info.csv" for name in VEGAS_CLASSES]
    wanted += [f"{name}/videos/video_{i:05d}.mp4" for name in VEGAS_CLASSES for i in (0, 1)]
    assert found == sorted(wanted)
    assert (layout / "dog" / "video_info.csv").read_text().startswith(HEAD)


def test_it_is_counted_before_it_is_there(layout, tmp_path):
    unseen = CorpusConfig(name="vegas5", format="vegas", sources=[Source(kind="vegas")])
    summary = check_list(unseen, tmp_path, WORLD)
    assert sum(summary.rows.values()) == 10 and summary.shards == {"train": 1, "validation": 1, "test": 1}
    assert (
        str(list_paths(unseen, tmp_path, tmp_path)[1]) == "data/benchmarks/embedded/VEGAS/dog/video_info.csv"
    )


def test_it_becomes_media_shards(layout, tmp_path):
    config = CorpusConfig(name="vegas5", format="vegas", sources=[Source(kind="vegas", path=str(layout))])
    summary = check_list(config, tmp_path / "checked")
    paths = list_paths(config, tmp_path, tmp_path)
    assert len(read_list(config, paths).rows) == 10
    build_manifest(config, summary, 3, tmp_path, paths)
    manifests = [tmp_path / f"train-0000{digit}.csv" for digit in range(10)]
    split_pack(tmp_path / "packs" / "train-0000", manifests)
    sources = open_sources(config.sources, FetchConfig(), vegas=config.vegas)
    tar, ledger = tmp_path / "clips.tar", tmp_path / "clips.csv"
    fetch_shard(manifests[0], tar, ledger, tmp_path / "spool" / "s", sources, FetchConfig())
    media = tmp_path / "media" / "train-00000.tar"
    extract_shard(tar, ledger, manifests[0], media, tmp_path / "media.csv", MediaConfig(), 3)
    assert {row.status for row in read_ledger(tmp_path / "media.csv")} == {"ok"}
    shards = MediaShards([media])
    assert {clip.label for clip in shards.clips} <= set(VEGAS_CLASSES) and len(shards) >= 5
    assert all(len(shards.audio(i)) == 32000 for i in range(len(shards)))
    assert shards.meta(0)["label_zh"] in {"婴儿哭声", "狗", "火车", "烟花", "流水"}


def test_a_file_that_is_gone_is_missing_and_not_an_error(layout, tmp_path):
    source = VegasSource(layout, VegasConfig(), 20)
    clip = Clip(clip_id("zzzzzzzzzzz", 0, 2000), "zzzzzzzzzzz", 0, 2000, "dog", "train")
    answer = source.fetch([clip], tmp_path)[clip.clip_id]
    assert answer.status == "missing"
