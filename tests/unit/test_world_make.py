"""The written world: plan, files, lists, time codes after H.264 and AAC, faults and resuming."""

import csv
import re
from collections import Counter
from fractions import Fraction

import cv2
import decord
import pytest

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.errors import UserError
from wavbrivl.files import sha256_of
from wavbrivl.world import make, plan, timecode, videos
from wavbrivl.world.make import CLIP_COLUMNS, TRUTH_COLUMNS, make_world

CONFIG = WorldConfig(train_videos=3, test_videos=2)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    make_world(folder, CONFIG, seed=5, workers=2)
    return folder


def rows(path):
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def checksums(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


def central_square(frame):
    height, width = frame.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = frame[top : top + side, left : left + side]
    return cv2.resize(square, (360, 360), interpolation=cv2.INTER_AREA)


def test_the_default_world_is_as_varied_as_promised():
    plans = plan.plan_world(WorldConfig(), seed=7)
    whole = [p for p in plans if not p.fault]
    clips = [s for p in whole for s in p.segments]
    assert Counter(p.split for p in whole) == {"train": 300, "test": 64}
    assert len(clips) >= 750
    assert len({p.video_id for p in plans}) == len(plans)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{11}", p.video_id) for p in plans)
    assert {p.video_id[0] for p in plans if p.split == "train"} >= {"-", "_"}
    assert {(p.width, p.height) for p in whole} == {(854, 480), (1280, 720), (480, 854)}
    assert {p.fps for p in whole} == {Fraction(10), Fraction(12), Fraction(25, 2), Fraction(15)}
    assert {(p.channels, p.sample_rate) for p in whole} == {(c, r) for c in (1, 2) for r in (44100, 48000)}
    short = [p.duration_ms for p in whole if p.duration_ms < 10000]
    assert min(short) >= 4000 and max(short) <= 6000 and len(short) > 0.85 * len(whole)
    assert sum(p.duration_ms == 10000 for p in whole) > 15
    for split in ("train", "test"):
        counts = Counter(s.event.name for p in whole if p.split == split for s in p.segments)
        assert len(counts) == 10 and max(counts.values()) - min(counts.values()) <= 1
    snr = [s.snr_db for s in clips]
    assert 0 <= min(snr) < 1 and 19 < max(snr) <= 20
    neighbours = [(s.event, t.event) for p in whole for s, t in zip(p.segments, p.segments[1:], strict=False)]
    assert all(first != second for first, second in neighbours)


def test_clips_lie_within_their_segment_and_off_frame_times():
    for p in plan.plan_world(WorldConfig(train_videos=80, test_videos=1), seed=1):
        for s in p.segments:
            assert s.start_ms + 50 <= s.clip_start_ms and s.clip_end_ms == s.clip_start_ms + 2000
            assert s.clip_end_ms <= s.end_ms - 50
            frames = s.clip_start_ms * float(p.fps) / 1000
            assert abs(frames - round(frames)) * 1000 / float(p.fps) >= 8


def test_a_larger_world_contains_the_smaller_one():
    small = plan.plan_world(WorldConfig(train_videos=5, test_videos=3), seed=1)
    large = plan.plan_world(WorldConfig(train_videos=9, test_videos=4), seed=1)
    assert set(small) <= set(large)
    assert not {p.video_id for p in small} & {p.video_id for p in plan.plan_world(CONFIG, seed=2)}


def test_lists_have_their_columns_and_agree(world):
    clips, truth, broken = (rows(world / f"{name}.csv") for name in ("clips", "truth", "broken"))
    assert tuple(clips[0]) == CLIP_COLUMNS and tuple(truth[0]) == TRUTH_COLUMNS
    assert b"\r" not in (world / "clips.csv").read_bytes()
    faulty = {row["video_id"] for row in broken}
    keys = [(row["video_id"], row["start_ms"], row["end_ms"], row["label"]) for row in clips]
    assert len(set(keys)) == len(keys)
    assert [k for k in keys if k[0] not in faulty] == [tuple(row.values())[:4] for row in truth]
    assert {row["split"] for row in clips if row["video_id"] in faulty} == {"train"}
    zh = {row["label"]: row["zh"] for row in rows(world / "labels.csv")}
    assert len(zh) == 10
    for row in clips:
        assert row["label"] in row["caption_en"] and row["label_zh"] in row["caption_zh"]
        assert zh[row["label"]] == row["label_zh"]
        assert row["path"] == f"videos/{row['video_id']}.mp4"


def test_files_are_those_of_the_list_and_carry_what_the_truth_says(world):
    dead = next(row["video_id"] for row in rows(world / "broken.csv") if row["fault"] == "dead_link")
    listed = {row["path"] for row in rows(world / "clips.csv") if row["video_id"] != dead}
    assert {f"videos/{path.name}" for path in (world / "videos").iterdir()} == listed
    for row in rows(world / "truth.csv"):
        reader = decord.VideoReader(str(world / "videos" / f"{row['video_id']}.mp4"), num_threads=1)
        assert reader[0].shape == (int(row["height"]), int(row["width"]), 3)
        assert reader.get_avg_fps() == pytest.approx(float(row["fps"]), rel=0.01)
        assert len(reader) / float(row["fps"]) * 1000 >= int(row["end_ms"])


def test_picture_code_survives_h264_at_every_frame_time(world):
    for row in rows(world / "truth.csv")[::2]:
        reader = decord.VideoReader(str(world / "videos" / f"{row['video_id']}.mp4"), num_threads=1)
        for i in (0, 1, len(reader) // 2, len(reader) - 1):
            shown_ms = 1000 * float(reader.get_frame_timestamp(i)[0])
            read = timecode.read(central_square(reader[i].asnumpy())) - int(row["picture_offset_ms"])
            assert shown_ms - 10.5 <= read <= shown_ms + 0.5


def test_sound_code_survives_aac_at_every_clip(world):
    for row in rows(world / "truth.csv"):
        path = str(world / "videos" / f"{row['video_id']}.mp4")
        audio = decord.AudioReader(path, sample_rate=16000, mono=True)[:].asnumpy().ravel()
        start = int(row["start_ms"])
        found = timecode.locate(audio[start * 16 : start * 16 + 32000]) - int(row["sound_offset_ms"])
        assert found == pytest.approx(start, abs=5)


def test_the_worlds_bytes_do_not_depend_on_workers_and_a_lost_video_comes_back(world, tmp_path):
    make_world(tmp_path, CONFIG, seed=5, workers=1)
    assert checksums(tmp_path) == checksums(world)
    videos_made = sorted((tmp_path / "videos").iterdir())
    kept = videos_made[1].stat().st_mtime_ns
    videos_made[0].unlink()
    (tmp_path / "videos" / ".AAAAAAAAAAA.mp4.77.part").write_bytes(b"killed here")
    (tmp_path / "videos" / "AAAAAAAAAAA.mp4").write_bytes(b"of another seed")
    make_world(tmp_path, CONFIG, seed=5, workers=1)
    assert checksums(tmp_path) == checksums(world)
    assert videos_made[1].stat().st_mtime_ns == kept


def broken_clip(world, fault):
    video_id = next(row["video_id"] for row in rows(world / "broken.csv") if row["fault"] == fault)
    return next(row for row in rows(world / "clips.csv") if row["video_id"] == video_id)


def test_broken_sources_are_broken_as_named(world):
    assert {row["fault"] for row in rows(world / "broken.csv")} == set(plan.FAULTS)
    path = {fault: world / broken_clip(world, fault)["path"] for fault in plan.FAULTS}
    assert not path["dead_link"].exists()
    assert len(decord.VideoReader(str(path["no_audio"]), num_threads=1)) > 10
    with pytest.raises(decord.DECORDError):
        decord.AudioReader(str(path["no_audio"]))
    assert len(decord.AudioReader(str(path["no_video"]), mono=True)[:].asnumpy().ravel()) > 44100
    with pytest.raises(decord.DECORDError):
        decord.VideoReader(str(path["no_video"]))
    assert b"moov" not in path["moov_lost"].read_bytes()
    stream = path["stream_cut"].read_bytes()
    media = stream.index(b"mdat") - 4
    assert stream.index(b"moov") < media
    assert len(stream) - media < 0.6 * int.from_bytes(stream[media : media + 4], "big")


def test_the_short_source_ends_inside_its_clip(world):
    clip = broken_clip(world, "too_short")
    reader = decord.VideoReader(str(world / clip["path"]), num_threads=1)
    seconds = float(reader.get_frame_timestamp(len(reader) - 1)[1])
    assert int(clip["start_ms"]) + 500 < 1000 * seconds < int(clip["end_ms"]) - 500


def test_no_broken_sources_unless_asked():
    assert not any(p.fault for p in plan.plan_world(WorldConfig(broken_sources=False), seed=7))


def test_workers_and_ffmpegs_failure_are_reported_in_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="worker"):
        make_world(tmp_path, CONFIG, seed=5, workers=0)
    monkeypatch.setattr(videos, "_video_options", lambda _: {"c:v": "no_such_encoder"})
    with pytest.raises(UserError, match=r"ffmpeg could not write .*no_such_encoder"):
        make_world(tmp_path, CONFIG, seed=5, workers=1)
    assert not list((tmp_path / "videos").iterdir())
    assert not (tmp_path / "clips.csv").exists()


def test_csv_fields_are_quoted_where_needed(tmp_path):
    make.write_csv(tmp_path / "x.csv", ("a", "b"), [("1, 2", '"')])
    assert (tmp_path / "x.csv").read_bytes() == b'a,b\n"1, 2",""""\n'
