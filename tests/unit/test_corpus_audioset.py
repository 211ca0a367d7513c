"""AudioSet's lists, several lists in one corpus, and selections out of them."""

import pytest
from tests.unit.test_corpus_manifest import built

from wavbrivl.config import parse_config
from wavbrivl.config.corpus import CorpusConfig, Source
from wavbrivl.corpus.audioset import read_audioset, read_names
from wavbrivl.corpus.lists import check_list, list_paths, read_list
from wavbrivl.errors import UserError

HEAD = (
    "# Segments csv created\n# num_ytids=2, num_segs=2\n# YTID, start_seconds, end_seconds, positive_labels\n"
)
ROWS = '--4gqARaEJE, 0.000, 10.000, "/m/1,/m/2"\nabcdefghijk, 30.120, 33.000, "/m/2"\n'
NAMES = 'index,mid,display_name\n0,/m/1,"Male speech, man speaking"\n1,/m/2,"Dog"\n'


@pytest.fixture
def names(tmp_path):
    path = tmp_path / "class_labels_indices.csv"
    path.write_text(NAMES)
    return path


def config_of(names, *lists, **extra) -> CorpusConfig:
    values = {"format": "audioset", "clips_per_shard": 20, "clip_seconds": 10} | extra
    return CorpusConfig(
        clip_list=list(lists), audioset_labels=str(names), sources=[Source(kind="youtube")], **values
    )


def test_labels_times_and_split(tmp_path, names):
    path = tmp_path / "eval_segments.csv"
    path.write_text(HEAD + ROWS)
    rows = read_list(config_of(names, str(path)), [path]).rows
    assert [(r.video_id, r.start_ms, r.end_ms, r.label, r.split) for r in rows] == [
        ("--4gqARaEJE", 0, 10000, "Male speech, man speaking;Dog", "test"),
        ("abcdefghijk", 30120, 33000, "Dog", "test"),
    ]


@pytest.mark.parametrize(
    "name, stated, split",
    [
        ("balanced_train_segments.csv", None, "train"),
        ("unbalanced_train_segments.csv", None, "train"),
        ("eval_segments.csv", None, "test"),
        ("eval_segments.csv", "train", "train"),
        ("eighteen.csv", "test", "test"),
        ("eighteen.csv", None, None),
    ],
)
def test_the_split_is_of_the_file(tmp_path, names, name, stated, split):
    path = tmp_path / name
    path.write_text(HEAD + ROWS)
    config = config_of(names, {"path": str(path)} | ({"split": stated} if stated else {}))
    if split is None:
        with pytest.raises(UserError, match=r"eighteen\.csv does not tell its split"):
            check_list(config, tmp_path / "cache")
    else:
        assert check_list(config, tmp_path / "cache").rows == {split: 2}


@pytest.mark.parametrize(
    "text, said",
    [
        (HEAD + 'abcdefghijk, 30.000, 40.000," ""/m/1","/m/2"""\n', "line 4.*spreadsheet"),
        (HEAD.replace("created", "created,,,,") + ROWS, "spreadsheet"),
        (HEAD.replace("# YTID", "YTID") + ROWS, "line 3.*three '#' lines"),
        (HEAD + "abcdefghijk, 30.000, 40.000\n", "line 4.*3 columns"),
        (HEAD + '#NAME?, 30.000, 40.000, "/m/1"\n', "line 4.*malformed video id"),
        (HEAD + 'abcdefghijk, x, 40.000, "/m/1"\n', "line 4.*expected seconds, got 'x'"),
        (HEAD + 'abcdefghijk, 40.000, 40.000, "/m/1"\n', "line 4.*before its start"),
        (HEAD + 'abcdefghijk, 30.000, 40.000, "/m/9"\n', "line 4.*no name for the label '/m/9'"),
        (HEAD + 'abcdefghijk, 30.000, 40.000, ""\n', "line 4.*no name for the label ''"),
        (HEAD + ROWS + ROWS, "line 6: the same clip .* as in line 4"),
    ],
)
def test_a_broken_list_is_named(tmp_path, names, text, said):
    path = tmp_path / "eval_segments.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"eval_segments\.csv, {said}|eval_segments\.csv, .*{said}"):
        check_list(config_of(names, str(path)), tmp_path / "cache")


def test_names_are_checked(tmp_path):
    path = tmp_path / "names.csv"
    for text in ("index,mid,name\n", NAMES + "2,/m/2,Cat\n", NAMES + "2,/m/3,a;b\n", NAMES + "2,/m/3\n"):
        path.write_text(text)
        with pytest.raises(UserError, match=r"names\.csv, line"):
            read_names(path)
    with pytest.raises(UserError, match=r"audioset_labels"):
        parse_config(
            {"corpus": {"format": "audioset", "clip_list": "a.csv", "sources": [{"kind": "youtube"}]}}
        )


def test_two_lists_in_one_corpus(tmp_path, names):
    """A clip that both name is kept once, with the first label, and never trains if one of them tests it."""
    vgg = tmp_path / "vggsound.csv"
    vgg.write_text("abcdefghijk,0,cat purring,train\nabcdefghijl,5,dog barking,train\n")
    evaluation = tmp_path / "eval_segments.csv"
    evaluation.write_text(HEAD + ROWS + 'abcdefghijk, 0.000, 10.000, "/m/1"\n')
    config = config_of(names, {"path": str(vgg), "format": "vggsound"}, str(evaluation))
    listed = read_list(config, list_paths(config, tmp_path, tmp_path))
    assert listed.repeated == 1 and len(listed.rows) == 4
    assert [(r.label, r.split) for r in listed.rows[:2]] == [
        ("cat purring", "test"),
        ("dog barking", "train"),
    ]
    shards, summary = built(tmp_path, config)
    assert {clip.video_id for name, clips in shards.items() for clip in clips if "test" not in name} == {
        "abcdefghijl"
    }
    assert summary["repeated"] == 1 and summary["labels"]["test"]["Dog"] == 2


def test_a_change_of_any_file_is_seen(tmp_path, names):
    path = tmp_path / "eval_segments.csv"
    path.write_text(HEAD + ROWS)
    config = config_of(names, str(path))
    check_list(config, tmp_path / "cache")
    names.write_text(NAMES.replace("/m/2", "/m/3"))
    with pytest.raises(UserError, match="no name for the label '/m/2'"):
        check_list(config, tmp_path / "cache")


def test_classes_of_clips_with_several_labels(tmp_path, names):
    path = tmp_path / "eval_segments.csv"
    path.write_text(HEAD + ROWS)
    for label, found in (("Dog", 2), ("Male speech, man speaking", 1)):
        config = config_of(names, str(path), selection={"classes": [label]})
        assert check_list(config, tmp_path / "cache").rows == {"test": found}


def many(tmp_path, names, rows: range, **selection) -> CorpusConfig:
    path = tmp_path / "eval_segments.csv"
    path.write_text(HEAD + "".join(f'{i:011d}, 0.000, 10.000, "/m/2"\n' for i in rows))
    return config_of(names, {"path": str(path), "split": "train"}, selection=selection)


def drawn(tmp_path, config) -> set[str]:
    shards, _ = built(tmp_path, config)
    return {clip.clip_id for clips in shards.values() for clip in clips}


def test_a_sample_is_exact_and_stable(tmp_path, names):
    """The paper's eighteen videos: as many as asked, whatever evaluation sets take away."""
    config = many(tmp_path, names, range(200), sample=18)
    first = drawn(tmp_path, config)
    assert len(first) == 18 and first == drawn(tmp_path, config)
    banned = tmp_path / "banned.csv"
    banned.write_text("".join(f"{name[:11]},0,dog,test\n" for name in sorted(first)[:5]))
    without = drawn(tmp_path, config.model_copy(update={"exclude_videos_in": [str(banned)]}))
    assert len(without) == 18 and len(without & first) == 13
    longer = drawn(tmp_path, many(tmp_path, names, range(203), sample=18))
    assert len(longer) == 18 and len(longer & first) >= 15


def test_a_sample_of_more_than_there_is(tmp_path, names):
    with pytest.raises(UserError, match="18 clips are asked for, and the list has 3"):
        check_list(many(tmp_path, names, range(3), sample=18), tmp_path / "cache")
    config = many(tmp_path, names, range(18), sample=18)
    banned = tmp_path / "banned.csv"
    banned.write_text(f"{0:011d},0,dog,test\n")
    with pytest.raises(UserError, match="18 clips are asked for, and 17 are left"):
        drawn(tmp_path, config.model_copy(update={"exclude_videos_in": [str(banned)]}))


def test_the_real_list(real_data, tmp_path):
    folder = real_data / "AudioSet"
    names = read_names(folder / "class_labels_indices.csv")
    assert len(names) == 527
    rows = list(read_audioset(folder / "eval_segments.csv", names, "test"))
    assert len(rows) == 20_371
    assert sum(row.end_ms - row.start_ms == 10_000 for row in rows) == 20_010
    assert {name for row in rows for name in row.label.split(";")} == set(names.values())
    config = config_of(folder / "class_labels_indices.csv", str(folder / "eval_segments.csv"))
    assert check_list(config, tmp_path).version.startswith("AudioSet eval, 20,371 rows")
