"""Clip lists: what is read, and which sentence a broken row gets."""

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavbrivl.config.corpus import CorpusConfig, ListFile, Source, WorldConfig
from wavbrivl.corpus.audioset import read_names
from wavbrivl.corpus.lists import check_list, read_list, read_vggsound, shard_names, video_ids
from wavbrivl.corpus.rows import label_trouble
from wavbrivl.errors import UserError
from wavbrivl.files import sha256_of
from wavbrivl.labels.loader import SETS, label_file

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


def test_the_repositorys_lists_name_files(tmp_path):
    """`train.csv` and `test.csv`: no header, CRLF, the split in the file's name alone."""
    text = "glLQrEijrKg_000300.mp4,playing hammond organ\r\n"
    text += "--9O4XZOge4_000030.mp4,female speech, woman speaking\r\n"
    for name, stated, split in (("test.csv", None, "test"), ("train.csv", None, "train"),
                                ("mine.csv", "test", "test")):  # fmt: skip
        path = tmp_path / name
        path.write_text(text, newline="")
        config = config_of(path).model_copy(
            update={"clip_list": [ListFile(path=str(path), format="vggsound", split=stated)]}
        )
        rows = read_list(config, [path]).rows
        assert [(r.video_id, r.start_ms, r.label, r.split) for r in rows] == [
            ("glLQrEijrKg", 300_000, "playing hammond organ", split),
            ("--9O4XZOge4", 30_000, "female speech, woman speaking", split),
        ]
        assert video_ids(path) == {"glLQrEijrKg", "--9O4XZOge4"}
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(UserError, match=r"mine\.csv, line 1: the row gives no split"):
        check_list(config_of(tmp_path / "mine.csv"), tmp_path / "cache")


@pytest.mark.parametrize(
    "train, test, name",
    [
        (183_971, 15_496, "VGG-Sound, 199,467 rows (website)"),
        (183_730, 15_446, "VGG-Sound, 199,176 rows (repository)"),
        (0, 15_446, "VGG-Sound, test.csv of the repository"),
        (183_970, 15_496, "199466 rows"),
    ],
)
def test_published_lists_are_told_apart_by_their_counts(tmp_path, train, test, name):
    path = tmp_path / "list.csv"
    with path.open("w") as handle:
        for split, n in (("train", train), ("test", test)):
            handle.writelines(f"{split[:2]}{i:09d},0,dog,{split}\n" for i in range(n))
    version = check_list(config_of(path), tmp_path / "cache").version
    assert version.startswith(name) and version.endswith(f"sha256 {sha256_of(path)}")


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
        (f"abcdefghijk,1,{'a' * 10_000},train", "10000 characters, more than 200"),
        ("abcdefghijk,1,,train", "malformed label '': it is empty"),
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


PUBLISHED = [
    *(row[0] for name in SETS for row in list(csv.reader(label_file(name).open(encoding="utf-8")))[1:]),
    "Dental drill, dentist's drill", "Singing bowl (Tibetan)", 'playing "air" guitar', "click / flick",
    "Oud, 'ud", "1000 Hz", "狗叫", "R'n'B", "Whistle... and stop",
]  # fmt: skip
HOSTILE = [
    "-rf", "--help", "../../x", "/etc/passwd", "a/../../x", "..", ".", "$(touch x)", "`touch x`", "${HOME}",
    "a;b", "a|b", "a&&b", "a > b", "a\\b", "*", "=cmd()", "+1", "@x", "#x", "~root", "a\nb", "a\x1b[2J",
    "a\u202eb", " ", "a" * 201, "a" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_that_no_published_set_would_have_is_refused(tmp_path, label):
    path = tmp_path / "list.csv"
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows([["abcdefghijk", 1, "dog", "train"], ["abcdefghijl", 1, label, "train"]])
    names = tmp_path / "names.csv"
    with names.open("w", newline="") as handle:
        csv.writer(handle).writerows([["index", "mid", "display_name"], [0, "/m/1", label]])
    for read in (lambda: check_list(config_of(path), tmp_path / "cache"), lambda: read_names(names)):
        with pytest.raises(UserError, match=r"(list|names)\.csv, line \d: malformed label") as caught:
            read()
        assert len(str(caught.value)) < 400 and str(caught.value).isprintable()
    assert not (tmp_path / "x").exists()


def test_every_published_label_passes(tmp_path):
    assert len(PUBLISHED) > 900
    path = tmp_path / "list.csv"
    with path.open("w", newline="") as handle:
        rows = ([f"{i:011d}", i, label, "train"] for i, label in enumerate(PUBLISHED))
        csv.writer(handle).writerows(rows)
    assert [row.label for row in read_vggsound(path, 10)] == PUBLISHED


def test_the_labels_of_the_real_lists_pass(real_data):
    with (real_data / "VGGSound" / "stat.csv").open(newline="") as handle:
        labels = [row[0] for row in csv.reader(handle)]
    assert len(labels) == 309 and not any(map(label_trouble, labels))
    assert (
        len({row.label for row in read_vggsound(real_data / "VGGSound" / "vggsound.subset.csv", 10)}) == 309
    )
    assert len(read_names(real_data / "AudioSet" / "class_labels_indices.csv")) == 527


@settings(max_examples=25, deadline=None)
@given(labels=st.lists(st.text("abc, \"'/().-_", max_size=20).map("x".__add__), min_size=1, max_size=5))
def test_any_label_survives_csv(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows([f"{i:011d}", i, label, "train"] for i, label in enumerate(labels))
    assert [row.label for row in read_vggsound(path, 10)] == labels
