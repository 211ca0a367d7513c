"""The embedded UrbanSound8K: the publisher's layout, files of every kind, the same bytes each time."""

import csv
from collections import Counter, defaultdict

import numpy as np
import pytest
import soundfile

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.evaluate.audio_files import read_audio
from wavbrivl.evaluate.urbansound8k import read_urbansound8k
from wavbrivl.files import sha256_of
from wavbrivl.world.benchmarks_urbansound8k import plan_urbansound8k, write_urbansound8k


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("urbansound8k")
    write_urbansound8k(folder, WorldConfig(urbansound8k_clips_per_class_and_fold=1), seed=3)
    with (folder / "metadata" / "UrbanSound8K.csv").open(newline="", encoding="utf-8") as handle:
        return folder, list(csv.DictReader(handle))


def test_the_evaluations_own_reader_takes_it(made):
    folder, rows = made
    benchmark = read_urbansound8k(folder)
    assert len(benchmark.clips) == len(rows) == 100
    assert len(benchmark.labels) == 10
    assert Counter(clip.fold for clip in benchmark.clips) == dict.fromkeys(range(1, 11), 10)
    assert all(clip.path.is_file() for clip in benchmark.clips)
    assert len(list((folder / "audio").rglob("*.wav"))) == 100
    raw = (folder / "metadata" / "UrbanSound8K.csv").read_bytes()
    assert raw.startswith(b"slice_file_name,fsID,start,end,salience,fold,classID,class\n")


def test_files_are_of_every_kind_and_last_as_long_as_the_table_says(made):
    folder, rows = made
    seen = defaultdict(set)
    for row in rows:
        info = soundfile.info(folder / "audio" / f"fold{row['fold']}" / row["slice_file_name"])
        seconds = float(row["end"]) - float(row["start"])
        assert info.duration == pytest.approx(seconds, abs=1.5 / info.samplerate)
        for name in ("samplerate", "subtype", "channels"):
            seen[name].add(getattr(info, name))
        seen["seconds"].add(round(seconds, 3))
    assert {8_000, 44_100, 48_000, 96_000, 192_000} <= seen["samplerate"]
    assert seen["subtype"] == {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"}
    assert seen["channels"] == {1, 2}
    assert (min(seen["seconds"]), max(seen["seconds"])) == (0.05, 4.0)


def test_every_sound_is_read_at_16_khz(made):
    folder, _ = made
    for clip in read_urbansound8k(folder).clips[::9]:
        sound = read_audio(clip.path)
        assert 0.05 * 16_000 <= len(sound) <= 4 * 16_000 + 1
        assert 0.01 < np.abs(sound).max() <= 1.01


def test_slices_of_a_recording_share_class_fold_and_file_kind():
    slices = defaultdict(list)
    for one in plan_urbansound8k(4, seed=3):
        slices[one.source].append(one)
    assert len(slices) == 200
    for first, second in slices.values():
        assert first.filename != second.filename
        assert (first.fold, first.target, first.rate, first.subtype, first.channels) == (
            second.fold, second.target, second.rate, second.subtype, second.channels
        )  # fmt: skip
        early, late = sorted((first, second), key=lambda one: one.number)
        assert late.start == pytest.approx(early.start + early.seconds)


def test_a_second_run_keeps_whole_files_and_repeats_lost_ones(made):
    folder, rows = made
    kept, lost = (folder / "audio" / f"fold{row['fold']}" / row["slice_file_name"] for row in rows[:2])
    checksum, written = sha256_of(lost), kept.stat().st_mtime_ns
    lost.unlink()
    write_urbansound8k(folder, WorldConfig(urbansound8k_clips_per_class_and_fold=1), seed=3)
    assert sha256_of(lost) == checksum
    assert kept.stat().st_mtime_ns == written
