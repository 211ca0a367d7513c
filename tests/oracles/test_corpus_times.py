"""What a shard holds is what the manifest's times say, by codes in picture and sound."""

import dataclasses
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.corpus_videos import FFMPEG, CodedVideo, clip_of, ffmpeg, make_video, read_number

from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.cut import Stream, cut_clips, remux
from wavbrivl.corpus.decode import Clip as Media
from wavbrivl.corpus.excerpt import needed_for
from wavbrivl.corpus.movie import Part, write_movie
from wavbrivl.corpus.plain_cut import cut_plain
from wavbrivl.corpus.timeline import MediaError, read_timeline

STARTS = [0, 130, 2000, 3333, 7770, 9000]  # on key frames, off key frames, at the very start and near the end


def sound_and_frames(data: bytes, start: float, end: float) -> tuple[np.ndarray, list[tuple[float, int]]]:
    media = Media(data)
    times = media.frame_times
    inside = np.flatnonzero((times >= start - 1e-6) & (times < end - 1e-6))
    picks = [int(inside[0]), int(inside[len(inside) // 2]), int(inside[-1])]
    frames = [(float(times[i]), read_number(media.frame(i))) for i in picks]
    return media.sound_between(start, end, 0.1), frames


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_cuts_hold_the_manifests_times_to_the_sample(coded_video: CodedVideo, tmp_path, margin: float):
    clips = [clip_of("v", start, start + 2000) for start in STARTS]
    paths = cut_clips([Stream(str(coded_video.path))], clips, tmp_path, margin, timeout=60)
    for clip in clips:
        start = clip.start_ms / 1000
        sound, frames = sound_and_frames(paths[clip.clip_id].read_bytes(), start, start + 2)
        assert len(sound) == 32000
        assert abs(coded_video.sound_seconds(sound) - start) <= 2 / 16000
        assert [round(time * coded_video.fps) for time, _ in frames] == [number for _, number in frames]
        assert all(abs(time - number / coded_video.fps) < 0.002 for time, number in frames)


@pytest.mark.parametrize(
    "fps, rate, channels, gop", [(12, 48000, 1, 24), (30, 22050, 2, 250), (15, 16000, 1, 15)]
)
def test_other_rates(tmp_path, fps, rate, channels, gop):
    video = make_video(tmp_path / "v.mp4", seconds=6, fps=fps, rate=rate, channels=channels, gop=gop)
    clip = clip_of("v", 2345, 4345)
    path = cut_clips([Stream(str(video.path))], [clip], tmp_path, 1.0, timeout=60)[clip.clip_id]
    sound, frames = sound_and_frames(path.read_bytes(), 2.345, 4.345)
    assert abs(video.sound_seconds(sound) - 2.345) <= 2 / 16000
    assert all(abs(time - number / fps) < 0.002 for time, number in frames)


def test_a_cut_of_somebody_elses_with_a_preroll_behind_its_edit_list(coded_video: CodedVideo, tmp_path):
    """`-ss` before `-i` and a stream copy, as the usual scripts do: timestamps begin below zero."""
    path = tmp_path / "clip.mp4"
    command = [
        FFMPEG,
        "-v",
        "error",
        "-ss",
        "3.3",
        "-t",
        "4",
        "-i",
        str(coded_video.path),
        "-c",
        "copy",
        str(path),
    ]
    subprocess.run(command, check=True, timeout=60)
    data = path.read_bytes()
    assert read_timeline(data).video.times.min() < -0.5
    sound, frames = sound_and_frames(data, 0.0, 2.0)
    assert abs(coded_video.sound_seconds(sound) - 3.3) <= 2 / 16000
    assert all(abs(time + 3.3 - number / coded_video.fps) < 0.002 for time, number in frames)


def test_picture_that_begins_later_than_sound(coded_video: CodedVideo, tmp_path):
    path = tmp_path / "late.mp4"
    command = [
        FFMPEG,
        "-v",
        "error",
        "-i",
        str(coded_video.path),
        "-itsoffset",
        "0.48",
        "-i",
        str(coded_video.path),
    ]
    command += ["-map", "1:v", "-map", "0:a", "-c", "copy", str(path)]
    subprocess.run(command, check=True, timeout=60)
    sound, frames = sound_and_frames(path.read_bytes(), 1.0, 3.0)
    assert abs(coded_video.sound_seconds(sound) - 1.0) <= 2 / 16000
    assert all(abs(time - 0.48 - number / coded_video.fps) < 0.002 for time, number in frames)


@pytest.mark.parametrize("name, extra", [("v.mkv", []), ("v.mp4", ["-movflags", "frag_keyframe+delay_moov"])])
def test_other_containers_keep_their_times_through_a_remux(coded_video: CodedVideo, tmp_path, name, extra):
    source = tmp_path / name
    command = [FFMPEG, "-v", "error", "-i", str(coded_video.path), "-c", "copy", *extra, str(source)]
    subprocess.run(command, check=True, timeout=60)
    data = remux(source, tmp_path / "plain.mp4", timeout=60).read_bytes()
    sound, frames = sound_and_frames(data, 2.5, 4.5)
    offset = coded_video.sound_seconds(sound) - 2.5
    assert abs(offset) <= 0.025  # these containers round times, or hide the encoder's delay otherwise
    assert all(abs(time - number / coded_video.fps) <= 0.05 for time, number in frames)


@pytest.mark.parametrize(
    "extra", [[], ["-x264-params", "bframes=5:b-adapt=0:open-gop=1:ref=4"], ["-c:v", "mpeg4"]]
)
def test_an_excerpt_decodes_to_the_same_picture(tmp_path, extra):
    """Against ffmpeg's decoding of the whole file: references kept, frames that nobody needs left out."""
    video = make_video(
        tmp_path / "v.mp4", seconds=3, gop=25, size=(160, 96), extra=["-preset", "medium", *extra]
    )
    command = [FFMPEG, "-v", "error", "-i", str(video.path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, check=True, timeout=60, capture_output=True).stdout
    expected = np.frombuffer(raw, np.uint8).reshape(-1, 96, 160, 3).astype(int)
    media = Media(video.path.read_bytes())
    assert len(media.frame_times) == len(expected) == 75
    for index in range(0, 75, 2):
        assert np.abs(media.frame(index) - expected[index]).mean() < 1.5, index


def test_a_cut_within_open_groups_of_pictures(tmp_path):
    """The first key frame of the cut is followed by frames whose references were cut off."""
    open_gop = ["-preset", "medium", "-x264-params", "bframes=5:b-adapt=0:open-gop=1:keyint=23:min-keyint=1"]
    video = make_video(tmp_path / "v.mp4", seconds=4, gop=23, size=(160, 96), extra=open_gop)
    clip = clip_of("v", 2000, 3000)
    path = cut_clips([Stream(str(video.path))], [clip], tmp_path, 0.5, timeout=60)[clip.clip_id]
    media = Media(path.read_bytes())
    assert (media.video.times < media.frame_times[0]).any()
    inside = np.flatnonzero((media.frame_times >= 2) & (media.frame_times < 3))
    assert len(inside) == 25
    assert all(round(media.frame_times[i] * 25) == read_number(media.frame(int(i))) for i in inside)


def test_frames_that_nobody_needs_are_left_out(coded_video: CodedVideo):
    data = coded_video.path.read_bytes()
    track = read_timeline(data).video
    assert len(needed_for(data, track, 45)) < 35


def test_frames_are_upright(tmp_path):
    """Against ffmpeg's own rotation."""
    video = make_video(tmp_path / "v.mp4", seconds=1, size=(320, 240))
    turned = tmp_path / "turned.mp4"
    command = [
        FFMPEG,
        "-v",
        "error",
        "-display_rotation",
        "90",
        "-i",
        str(video.path),
        "-c",
        "copy",
        str(turned),
    ]
    subprocess.run(command, check=True, timeout=60)
    command = [FFMPEG, "-v", "error", "-ss", "0.4", "-i", str(turned), "-frames:v", "1"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, check=True, timeout=60, capture_output=True).stdout
    expected = np.frombuffer(raw, np.uint8).reshape(320, 240, 3)
    assert np.abs(Media(turned.read_bytes()).frame(10).astype(int) - expected).mean() < 3


def test_the_worlds_time_code(tmp_path):
    """The embedded world's own, stronger code, through cut and decoding."""
    timecode = pytest.importorskip("wavbrivl.world.timecode")
    fps, rate, seconds = 12, 48000, 8
    frames = []
    for n in range(fps * seconds):
        frame = np.full((240, 320, 3), 128, np.uint8)
        timecode.draw(frame, n * 1000 / fps)
        frames.append(frame.tobytes())
    sound = timecode.sound(0, rate * seconds, rate)
    soundfile.write(tmp_path / "v.wav", 0.3 * sound / np.abs(sound).max(), rate)
    command = [
        FFMPEG,
        "-v",
        "error",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        "320x240",
        "-r",
        str(fps),
        "-i",
        "-",
    ]
    command += [
        "-i",
        str(tmp_path / "v.wav"),
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "40",
        "-pix_fmt",
    ]
    command += ["yuv420p", "-c:a", "aac", "-b:a", "128k", str(tmp_path / "v.mp4")]
    subprocess.run(command, input=b"".join(frames), check=True, timeout=60)
    clip: Clip = clip_of("v", 4444, 6444)
    path = cut_clips([Stream(str(tmp_path / "v.mp4"))], [clip], tmp_path, 1.0, timeout=60)[clip.clip_id]
    media = Media(path.read_bytes())
    index = int(np.flatnonzero(media.frame_times >= 4.444)[0])
    image = media.frame(index)[:, 40:280]
    assert abs(timecode.read(image) - 1000 * media.frame_times[index]) <= 10
    assert abs(timecode.locate(media.sound_between(4.444, 6.444, 0.1)) - 4444) <= 5


def hashes(path: Path, *options: object) -> dict[tuple[int, float], str]:
    """What ffmpeg itself reads or decodes, by stream and time on the file's clock."""
    lines = ffmpeg("-copyts", "-i", path, *options, "-f", "framemd5", "-")
    rows = [line.split(",") for line in lines.decode().splitlines() if not line.startswith("#")]
    bases = dict(re.findall(r"#tb (\d): 1/(\d+)", lines.decode()))
    return {(int(row[0]), round(int(row[2]) / int(bases[row[0].strip()]), 3)): row[5].strip() for row in rows}


@pytest.mark.parametrize("start", STARTS)
def test_a_cut_without_ffmpeg_plays_in_ffmpeg_as_its_source_does(coded_video: CodedVideo, tmp_path, start):
    """Every packet of the cut, at its time, is the source's, and so is every picture that comes of them."""
    path = tmp_path / "cut.mp4"
    assert cut_plain(coded_video.path, [(path, start / 1000, start / 1000 + 2)])
    packets = hashes(path, "-c", "copy")
    assert packets.items() <= hashes(coded_video.path, "-c", "copy").items()
    assert sum(stream == 0 for stream, _ in packets) >= 50 and sum(stream for stream, _ in packets) >= 85
    decoding = ("-map", "0:v", "-fps_mode", "passthrough")
    pictures = hashes(path, *decoding)
    assert len(pictures) >= 50 and pictures.items() <= hashes(coded_video.path, *decoding).items()
    command = [FFMPEG, "-v", "warning", "-i", str(path), "-f", "null", "-"]
    assert subprocess.run(command, check=True, timeout=60, capture_output=True).stderr == b""


def test_what_is_no_plain_mp4_is_left_to_ffmpeg(coded_video: CodedVideo, tmp_path):
    matroska, fragmented = tmp_path / "v.mkv", tmp_path / "f.mp4"
    ffmpeg("-i", coded_video.path, "-c", "copy", matroska)
    ffmpeg("-i", coded_video.path, "-c", "copy", "-movflags", "frag_keyframe+delay_moov", fragmented)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_bytes(b"<html>" * 100)
    for path in (matroska, fragmented, tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "no.mp4"):
        assert not cut_plain(path, [(tmp_path / "cut.mp4", 1.0, 3.0)])
    assert not cut_plain(coded_video.path, [(tmp_path / "cut.mp4", -3.0, -1.0)])


def test_samples_that_overlap_cannot_fill_the_memory(coded_video: CodedVideo):
    """A table may say of every sample that it is the whole file."""
    data = coded_video.path.read_bytes()
    track = read_timeline(data).video
    everywhere = dataclasses.replace(
        track, offsets=np.zeros_like(track.offsets), sizes=np.full_like(track.sizes, len(data))
    )
    with pytest.raises(MediaError, match="samples that overlap"):
        write_movie(data, [Part(everywhere, np.arange(len(track.times)))])
