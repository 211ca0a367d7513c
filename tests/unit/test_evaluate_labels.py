"""Translations: complete for the lists that ship, and refused where they are not."""

import csv
import os
from pathlib import Path

import pytest

from wavbrivl.errors import UserError
from wavbrivl.labels.loader import SETS, label_file, plain, read_labels, words_for

REAL = Path(os.environ.get("WAVBRIVL_REAL_DATA", Path(__file__).parents[3] / "shared/data/real"))
SIZES = {"esc50": 50, "urbansound8k": 10, "desed": 10, "vggsound": 309, "audioset": 527, "vegas": 10}


def column(path, key, **options):
    with (REAL / path).open(encoding="utf-8", newline="") as handle:
        if isinstance(key, int):
            return {row[key] for row in csv.reader(handle)}
        return {row[key] for row in csv.DictReader(handle, **options)}


LISTS = {
    "esc50": lambda: column("ESC-50/meta/esc50.csv", "category"),
    "urbansound8k": lambda: column("UrbanSound8K/UrbanSound8K.csv", "class"),
    "desed": lambda: column("DESED/public.tsv", "event_label", delimiter="\t"),
    "vggsound": lambda: column("VGGSound/stat.csv", 0),
    "audioset": lambda: column("AudioSet/class_labels_indices.csv", "display_name"),
    # The folders of the published data set, as public loaders list them.
    "vegas": lambda: {
        *("baby_cry", "chainsaw", "dog", "drum", "fireworks"),
        *("helicopter", "printer", "rail_transport", "snoring", "water_flowing"),
    },
}


@pytest.mark.parametrize("name", SETS)
def test_every_label_has_chinese_words_of_its_own(name):
    words = read_labels(label_file(name))
    assert len(words) == SIZES[name]
    assert len(set(words.values())) == len(words)
    assert all(any("\u4e00" <= character <= "\u9fff" for character in word) for word in words.values())
    assert not any("a" <= character.lower() <= "z" for word in words.values() for character in word)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.skipif(not REAL.is_dir(), reason="the publishers' metadata is not here (WAVBRIVL_REAL_DATA)")
def test_labels_are_exactly_those_of_the_publisher(name):
    labels = LISTS[name]()
    assert {plain(label) for label in labels} == set(read_labels(label_file(name)))
    assert set(words_for(sorted(labels), "zh", label_file(name))) == labels


def test_underscores_are_spaces():
    assert words_for(["crying_baby"], "zh", label_file("esc50")) == {"crying_baby": "婴儿啼哭"}
    assert words_for(["crying_baby"], "en", label_file("esc50")) == {"crying_baby": "crying baby"}


def test_an_unknown_label_is_named_with_its_file():
    with pytest.raises(UserError, match=r"esc50\.csv.*'quasar'"):
        words_for(["dog", "quasar"], "zh", label_file("esc50"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,cn\ndog,狗\n", "header must be label,zh"),
        ("label,zh\ndog,\n", "line 2"),
        ("label,zh\ndog,狗\ndog,犬\n", "line 3.*twice"),
        ("label,zh\nsea_waves,海浪\nsea waves,浪\n", "line 3.*twice"),
        ("label,zh\ndog,狗,犬\n", "line 2"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path, text, message):
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_labels(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_labels(tmp_path / "none.csv")
