"""Clips as they really are: odd lengths, turned, of many codecs, pixel formats and rates.

The oracles are codes in picture and sound, and ffmpeg's own decoding. What can be extracted together
is one shard, made once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.corpus_shards import check_times, made_shard, shards_in
from tests.corpus_videos import CodedVideo, clip_of, ffmpeg, make_video, read_number

from wavbrivl.config.corpus import MediaConfig, Source
from wavbrivl.corpus.decode import Clip as Media
from wavbrivl.corpus.ledger import LedgerRow, Status
from wavbrivl.corpus.videos import video_id_of
from wavbrivl.shards.reader import MediaShards

SMALL = (160, 96)


@dataclass(frozen=True)
class Made:
    """The ledger row of one clip, and the shard with that clip alone."""

    row: LedgerRow
    shards: MediaShards


def extracted(folder: Path, clips: Mapping[str, tuple[Path, int, int]], **media: object) -> dict[str, Made]:
    """One shard of clips out of a folder of whole videos: name -> file, start and end in ms."""
    wanted = {name: clip_of(video_id_of(p.name), start, end) for name, (p, start, end) in clips.items()}
    source = Source(kind="videos", path=str(folder))
    rows = made_shard(folder, sorted(wanted.values(), key=lambda c: c.clip_id), source, MediaConfig(**media))
    by_id = {row.clip_id: row for row in rows}
    made = {}
    for name, clip in wanted.items():
        shards = shards_in(folder)
        shards.clips = [entry for entry in shards.clips if entry.clip_id == clip.clip_id]
        made[name] = Made(by_id[clip.clip_id], shards)
    return made


# Lengths: stream copies begin at a key frame; it lies before an edit list, or the file is simply longer.

LENGTHS = [(seconds, edit_list) for seconds in (10.0, 10.4, 11.7, 13.352) for edit_list in (True, False)]


@pytest.fixture(scope="module")
def long_clips(tmp_path_factory) -> tuple[CodedVideo, dict[str, LedgerRow], MediaShards]:
    folder = tmp_path_factory.mktemp("lengths")
    video = make_video(folder / "whole.mp4", seconds=16, fps=10, gop=35, size=SMALL)
    have = folder / "have"
    have.mkdir()
    for number, (seconds, edit_list) in enumerate(LENGTHS):
        begin = ["-ss", "1.3"] if edit_list else []
        ffmpeg(*begin, "-t", seconds, "-i", video.path, "-c", "copy", have / f"v{number}_1000_11000.mp4")
    clips = [clip_of(f"v{number}", 1000, 11000) for number in range(len(LENGTHS))]
    rows = made_shard(folder, clips, Source(kind="folder", path=str(have)))
    return video, rows, shards_in(folder)


@pytest.mark.parametrize("number", range(len(LENGTHS)))
def test_the_first_ten_seconds_of_a_clip_file(long_clips, number):
    video, rows, shards = long_clips
    seconds, edit_list = LENGTHS[number]
    assert rows[number].status == Status.OK, rows[number]
    assert rows[number].duration_ms >= 1000 * seconds - 60
    began = 1.3 if edit_list else 0.0
    sound = shards.audio(number)
    assert len(sound) == 160_000
    assert abs(video.sound_seconds(sound[: 9 * 16000]) - began) <= 0.001
    shown = shards.meta(number)["frame_times_ms"][0] / 1000 - 1.0 + began
    assert abs(read_number(shards.image(number)) / 10 - shown) <= 0.001


# Pictures.

TURNS = {
    f"{size[0]}x{size[1]} {turn}": (size, turn) for size in (SMALL, SMALL[::-1]) for turn in (0, 90, 180, 270)
}


@pytest.fixture(scope="module")
def turned(tmp_path_factory) -> tuple[Path, dict[str, Made]]:
    """Four corners of different grey, landscape and portrait, under every rotation flag."""
    folder = tmp_path_factory.mktemp("turned")
    corners = ",".join(
        f"drawbox=x={x}:y={y}:w=iw/2:h=ih/2:c={colour}:t=fill"
        for x, y, colour in (("0", "0", "white"), ("iw/2", "0", "silver"), ("0", "ih/2", "gray"))
    )
    clips = {}
    for name, ((width, height), turn) in TURNS.items():
        plain, path = folder / "plain.avi", folder / f"{width}-{turn}.mp4"
        picture = f"color=black:s={width}x{height}:r=10:d=2,{corners}"
        ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=d=2", "-pix_fmt", "yuv420p",
               "-c:v", "libx264", "-c:a", "aac", "-f", "mp4", plain)  # fmt: skip
        ffmpeg("-display_rotation", turn, "-i", plain, "-c", "copy", path)
        clips[name] = path, 500, 1500
    return folder, extracted(folder, clips, square="squash")


@pytest.mark.parametrize("name", TURNS)
def test_portrait_and_turned_pictures_are_upright(turned, name):
    """Against ffmpeg's own turning."""
    folder, made = turned
    (width, height), turn = TURNS[name]
    row, shards = made[name].row, made[name].shards
    assert row.status == Status.OK and row.still, row
    upright = (width, height) if turn % 180 == 0 else (height, width)
    assert (shards.meta(0)["width"], shards.meta(0)["height"]) == upright
    raw = ffmpeg("-i", folder / f"{width}-{turn}.mp4", "-frames:v", 1, "-vf", "scale=64:64:flags=area",
                 "-f", "rawvideo", "-pix_fmt", "gray", "-")  # fmt: skip
    expected = np.frombuffer(raw, np.uint8).reshape(64, 64).astype(int)
    found = shards.image(0, 64).mean(axis=2)
    for y in (8, 56):
        for x in (8, 56):
            assert abs(found[y, x] - expected[y, x]) < 8, (y, x)


def test_frames_of_varying_rate_are_where_their_times_say(tmp_path):
    steady = make_video(tmp_path / "steady.mp4", seconds=5, size=SMALL)
    ragged = tmp_path / "ragged.mp4"
    ffmpeg("-i", steady.path, "-vf", r"select=lt(mod(n\,17)\,5)+between(n\,70\,90)", "-fps_mode", "vfr",
           "-c:a", "copy", ragged)  # fmt: skip
    media = Media(ragged.read_bytes())
    gaps = np.diff(media.frame_times).round(3)
    assert gaps.min() == 0.04 and gaps.max() == 0.52
    for i in range(0, len(gaps), 3):
        assert abs(read_number(media.frame(i)) / 25 - media.frame_times[i]) < 0.002
    made = extracted(tmp_path, {"ragged": (ragged, 1000, 4000)}, frames=4)
    check_times(steady, made["ragged"].shards)


PLACES = {  # file, start, what the ledger says, the time of the frame, still
    "slides: the first stays": ("slides", 1000, Status.OK, 0, True),
    "slides: a change": ("slides", 3000, Status.OK, 4000, False),
    "slides: the second stays": ("slides", 5500, Status.OK, 4000, True),
    "over: partly": ("over", 1000, Status.OK, None, False),
    "over": ("over", 3000, Status.TOO_SHORT, None, None),
    "late: partly": ("late", 2000, Status.OK, None, False),
    "late": ("late", 500, Status.TOO_SHORT, None, None),
    "short": ("short", 500, Status.TOO_SHORT, None, None),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> tuple[CodedVideo, dict[str, Made]]:
    """Pictures that stand for seconds, that end before the sound, that begin after it."""
    folder = tmp_path_factory.mktemp("places")
    video = make_video(folder / "whole.mp4", seconds=6, size=SMALL)
    short = make_video(folder / "short.mp4", seconds=2, size=SMALL).path
    slides, over, late = (folder / f"{name}.mp4" for name in ("slides", "over", "late"))
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x96:r=0.25:d=8", "-f", "lavfi", "-i", "sine=d=8",
           "-pix_fmt", "yuv420p", slides)  # fmt: skip
    both = ["-i", video.path, "-i", video.path, "-map", "0:v", "-map", "1:a", "-c", "copy"]
    ffmpeg("-t", 2, *both, over)
    ffmpeg("-itsoffset", 3, *both, late)
    files = {"slides": slides, "over": over, "late": late, "short": short}
    clips = {name: (files[case[0]], case[1], case[1] + 2000) for name, case in PLACES.items()}
    return video, extracted(folder, clips)


@pytest.mark.parametrize("name", PLACES)
def test_a_picture_stays_until_the_next_and_no_longer_than_its_track(places, name):
    video, made = places
    file, start, status, shown, still = PLACES[name]
    row, shards = made[name].row, made[name].shards
    assert (row.status, row.still) == (status, still), row
    if status != Status.OK:
        assert row.cause and not len(shards)
        return
    time = shards.meta(0)["frame_times_ms"][0]
    if file == "slides":
        assert time == shown
        return
    delay = 3 if file == "late" else 0
    assert abs(video.sound_seconds(shards.audio(0)) - start / 1000) <= 0.001
    assert abs(read_number(shards.image(0)) / 25 + delay - time / 1000) <= 0.001


FORMS = {
    "yuv444p": ["-pix_fmt", "yuv444p"],
    "yuv422p": ["-pix_fmt", "yuv422p"],
    "yuv420p10": ["-pix_fmt", "yuv420p10le"],
    "gray": ["-pix_fmt", "gray"],
    "full range": ["-pix_fmt", "yuvj420p"],
    "rgb": ["-c:v", "libx264rgb", "-pix_fmt", "rgb24"],
    "interlaced": ["-flags", "+ilme+ildct", "-x264-params", "tff=1"],
    "hevc": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=none"],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
    "mpeg4": ["-c:v", "mpeg4"],
    "av1": ["-c:v", "libsvtav1", "-preset", "13"],  # decord has no decoder for it
}


@pytest.fixture(scope="module")
def forms(tmp_path_factory) -> tuple[dict[str, CodedVideo], dict[str, Made]]:
    folder = tmp_path_factory.mktemp("forms")
    videos = {
        name: make_video(folder / f"{name.replace(' ', '-')}.mp4", seconds=2, size=SMALL, extra=extra)
        for name, extra in FORMS.items()
    }
    clips = {name: (video.path, 377, 1777) for name, video in videos.items()}
    return videos, extracted(folder, clips, frames=2)


@pytest.mark.parametrize("form", FORMS)
def test_every_codec_and_pixel_format(forms, form):
    videos, made = forms
    assert made[form].row.status == Status.OK and made[form].row.still is False, made[form].row
    check_times(videos[form], made[form].shards)


@pytest.mark.parametrize(
    "form, most", [("yuv444p", 0.1), ("yuv420p10le", 4), ("gray", 0.1), ("yuvj420p", 0.1)]
)
def test_colours_are_ffmpegs(tmp_path, form, most):
    path = tmp_path / "v.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x96:r=10:d=1", "-f", "lavfi", "-i", "sine=d=1",
           "-pix_fmt", form, path)  # fmt: skip
    raw = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    expected = np.frombuffer(raw, np.uint8).reshape(-1, 96, 160, 3)[5].astype(int)
    assert np.abs(Media(path.read_bytes()).frame(5) - expected).mean() <= most


def test_the_first_picture_and_the_first_sound_of_several(tmp_path):
    first = make_video(tmp_path / "first.mp4", seconds=2, size=SMALL)
    text = tmp_path / "text.srt"
    text.write_text("1\n00:00:00,000 --> 00:00:02,000\nhello\n")
    many, cover, song = tmp_path / "many.mp4", tmp_path / "cover.jpg", tmp_path / "song.mp4"
    ffmpeg("-i", text, "-i", first.path, "-f", "lavfi", "-i", "color=red:s=64x64:d=2",
           "-f", "lavfi", "-i", "sine=d=2", "-map", "0:s", "-map", "1:v", "-map", "2:v", "-map", "1:a",
           "-map", "3:a", "-c:v:0", "copy", "-c:a:0", "copy", "-c:s", "mov_text", many)  # fmt: skip
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x96:d=1", "-frames:v", 1, cover)
    ffmpeg("-f", "lavfi", "-i", "sine=d=4", "-i", cover, "-map", "0:a", "-map", "1:v", "-c:v", "copy",
           "-disposition:v", "attached_pic", song)  # fmt: skip
    made = extracted(tmp_path, {"many": (many, 300, 1700), "song": (song, 300, 1700)})
    assert made["many"].row.status == Status.OK, made["many"].row
    check_times(first, made["many"].shards)
    assert made["song"].row.status == Status.NO_VIDEO, "the cover of an album is no video"
