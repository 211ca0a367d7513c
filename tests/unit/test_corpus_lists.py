"""Clip lists: what is read, and which sentence a broken row gets."""

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavbrivl.config.corpus import CorpusConfig, Source, WorldConfig
from wavbrivl.corpus.lists import check_list, read_vggsound, shard_names, video_ids
from wavbrivl.errors import UserError

GOOD = '---g-f_I2yQ,1,people marching,train\n--9O4XZOge4,30,"female speech, woman speaking",test\n'


def config_of(path, **extra) -> CorpusConfig:
    values = {"clips_per_shard": 2, "clip_seconds": 10, "sources": [Source(kind="folder", path=".")]} | extra
    return CorpusConfig(format="vggsound", clip_list=str(path), **values)


def test_reads_quoted_labels_and_times(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(GOOD.replace("\n", "\r\n"), newline="")
    rows = list(read_vggsound(path, 10))
    assert [(r.video_id, r.start_ms, r.end_ms, r.label, r.split) for r in rows] == [
        ("---g-f_I2yQ", 1000, 11000, "people marching", "train"),
        ("--9O4XZOge4", 30000, 40000, "female speech, woman speaking", "test"),
    ]


@pytest.mark.parametrize(
    "row, said",
    [
        ("abcdefghijk,1,dog barking", "expected 4 columns"),
        ("abcdefghijk,1,dog,barking,train", "expected 4 columns"),
        ("-rf,1,dog barking,train", "malformed video id"),
        ("../../x,1,dog barking,train", "malformed video id"),
        ("$(touch x),1,dog barking,train", "malformed video id"),
        ("abcdefghijk,1.5,dog barking,train", "whole seconds"),
        ("abcdefghijk,-1,dog barking,train", "whole seconds"),
        ("abcdefghijk,²,dog barking,train", "whole seconds"),
        ("abcdefghijk,99999999999,dog barking,train", "whole seconds"),
        ("abcdefghijk,1,dog barking,validation", "unknown split"),
        (f"abcdefghijk,1,{'a' * 10_000},train", "malformed label"),
        ("abcdefghijk,1,,train", "malformed label"),
        ("---g-f_I2yQ,1,another label,test", "as in line 1"),
        ('abcdefghijk,1,"open,train', "list.csv, line"),
    ],
)
def test_a_broken_row_is_named(tmp_path, row, said):
    path = tmp_path / "list.csv"
    path.write_text(GOOD + row + "\n")
    with pytest.raises(UserError, match=r"list\.csv, line") as caught:
        check_list(config_of(path), tmp_path / "cache")
    assert said in str(caught.value)
    if said != "list.csv, line":
        assert "line 3" in str(caught.value)


def test_missing_files_and_unknown_classes_are_named(tmp_path):
    with pytest.raises(UserError, match=r"nothere\.csv"):
        check_list(config_of(tmp_path / "nothere.csv"), tmp_path)
    path = tmp_path / "list.csv"
    path.write_text(GOOD)
    with pytest.raises(UserError, match=r"no row .* 'dog'"):
        check_list(config_of(path, selection={"classes": ["dog"]}), tmp_path)
    with pytest.raises(UserError, match=r"evaluation\.csv"):
        check_list(config_of(path, exclude_videos_in=[str(tmp_path / "evaluation.csv")]), tmp_path)


def test_counts_and_cache(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("".join(f"{i:011d},0,dog,{'test' if i % 5 == 0 else 'train'}\n" for i in range(100)))
    summary = check_list(config_of(path), tmp_path / "cache")
    assert summary.rows == {"train": 80, "test": 20}
    assert summary.shards == {"train": 36, "validation": 4, "test": 10}
    assert shard_names(summary)["validation"] == [f"validation-{i:05d}" for i in range(4)]
    assert check_list(config_of(path), tmp_path / "cache") == summary
    path.write_text(path.read_text() + "broken\n")  # another size: the cache does not hide it
    with pytest.raises(UserError, match="line 101"):
        check_list(config_of(path), tmp_path / "cache")


def test_the_worlds_shards_follow_from_its_size(tmp_path):
    summary = check_list(
        CorpusConfig(clips_per_shard=100), tmp_path, WorldConfig(train_videos=300, test_videos=64)
    )
    assert summary.shards == {"train": 6, "validation": 1, "test": 2}


def test_audioset_and_vggsound_are_told_apart(tmp_path):
    path = tmp_path / "eval.csv"
    path.write_text(
        "# Segments csv created\n# num_ytids=1\n# YTID, start_seconds, end_seconds, positive_labels\n"
        '--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"\n'
    )
    assert video_ids(path) == {"--PJHxphWEs"}
    path.write_text(GOOD)
    assert video_ids(path) == {"---g-f_I2yQ", "--9O4XZOge4"}


@settings(max_examples=25, deadline=None)
@given(labels=st.lists(st.text("abc, \"'", min_size=1, max_size=20), min_size=1, max_size=5))
def test_any_label_survives_csv(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows([f"{i:011d}", i, label, "train"] for i, label in enumerate(labels))
    assert [row.label for row in read_vggsound(path, 10)] == labels
