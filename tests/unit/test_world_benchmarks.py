"""The embedded ESC-50: the publisher's layout, sources within folds, the same bytes each time."""

import csv
import re
from collections import Counter, defaultdict

import numpy as np
import pytest
import soundfile

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.files import sha256_of
from wavbrivl.world.benchmarks import Ranges, draw_sound, plan_esc50, write_esc50
from wavbrivl.world.classes import BY_NAME, CLASSES
from wavbrivl.world.seeds import generator

CONFIG = WorldConfig(esc50_clips_per_class_and_fold=1)


@pytest.fixture(scope="module")
def esc50(tmp_path_factory):
    folder = tmp_path_factory.mktemp("esc50")
    write_esc50(folder, CONFIG, seed=3)
    with (folder / "meta" / "esc50.csv").open(newline="", encoding="utf-8") as handle:
        return folder, list(csv.DictReader(handle))


def test_meta_has_the_publishers_header_and_line_ends(esc50):
    raw = (esc50[0] / "meta" / "esc50.csv").read_bytes()
    assert raw.startswith(b"filename,fold,target,category,esc10,src_file,take\n")
    assert b"\r" not in raw


def test_every_row_has_its_file_and_the_name_says_the_row(esc50):
    folder, rows = esc50
    assert {row["filename"] for row in rows} == {path.name for path in (folder / "audio").iterdir()}
    for row in rows:
        fold, source, take, target = re.fullmatch(r"(\d)-(\d+)-([A-Z])-(\d+)\.wav", row["filename"]).groups()
        assert (fold, source, take, target) == (row["fold"], row["src_file"], row["take"], row["target"])
        assert row["category"] == CLASSES[int(target)].label.replace(" ", "_")
        assert row["esc10"] in ("True", "False")


def test_classes_are_balanced_in_five_folds():
    counts = Counter((clip.fold, clip.target) for clip in plan_esc50(4, seed=3))
    assert counts == {(fold, target): 4 for fold in range(1, 6) for target in range(10)}


def test_a_source_never_crosses_folds_and_some_have_two_takes():
    takes = defaultdict(list)
    for clip in plan_esc50(4, seed=3):
        takes[clip.source].append(clip)
    assert all(len({(clip.fold, clip.target) for clip in clips}) == 1 for clips in takes.values())
    assert Counter(tuple(sorted(clip.take for clip in clips)) for clips in takes.values()) == {
        ("A",): 100,
        ("A", "B"): 50,
    }


def test_files_are_mono_pcm16_of_exactly_five_seconds(esc50):
    folder, rows = esc50
    for row in rows[::17]:
        path = folder / "audio" / row["filename"]
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.frames, info.subtype) == (44100, 1, 220500, "PCM_16")
        assert path.stat().st_size == 441044


def test_some_sounds_end_in_digital_silence(esc50):
    folder, rows = esc50
    silent = [not soundfile.read(folder / "audio" / row["filename"], start=-11025)[0].any() for row in rows]
    assert 0.05 < np.mean(silent) < 0.4


def test_a_second_run_keeps_whole_files_and_repeats_lost_ones(esc50):
    folder, rows = esc50
    kept, lost = (folder / "audio" / rows[i]["filename"] for i in (0, 1))
    checksum, made = sha256_of(lost), kept.stat().st_mtime_ns
    lost.unlink()
    write_esc50(folder, CONFIG, seed=3)
    assert sha256_of(lost) == checksum
    assert kept.stat().st_mtime_ns == made


def test_takes_of_a_source_share_their_parameters_but_not_their_samples():
    def take(name):
        return draw_sound(BY_NAME["bird"], Ranges(), 1.0, 16000, generator("s", 1), generator("t", name))

    assert np.array_equal(take("A"), take("A"))
    assert not np.array_equal(take("A"), take("B"))
