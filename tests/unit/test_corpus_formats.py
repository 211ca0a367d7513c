"""Which format is chosen, by yt-dlp's own selector on made-up lists of formats."""

import pytest
import yt_dlp

from wavbrivl.corpus.sources.finder import FORMAT_SORT, format_choice

FORMAT = format_choice([720, 480])


def video(height: int, width: int, codec: str = "avc1.64001f") -> dict:
    return {
        "format_id": f"{width}x{height}-{codec[:4]}", "url": "http://x/v", "ext": "mp4", "height": height,
        "width": width, "vcodec": codec, "acodec": "none", "protocol": "https",
    }  # fmt: skip


def both(height: int, width: int) -> dict:
    return video(height, width) | {"acodec": "mp4a.40.2", "format_id": f"both-{width}x{height}"}


SOUND = {
    "format_id": "sound", "url": "http://x/a", "ext": "m4a", "vcodec": "none", "acodec": "mp4a.40.2",
    "protocol": "https",
}  # fmt: skip


@pytest.mark.parametrize(
    "formats, chosen",
    [
        ([video(360, 640), video(480, 854), video(720, 1280), video(1080, 1920)], "1280x720-avc1+sound"),
        ([video(360, 640), video(480, 854), video(1080, 1920)], "854x480-avc1+sound"),
        ([video(144, 256), video(360, 640)], "640x360-avc1+sound"),
        ([video(360, 640), video(1080, 1920)], "1920x1080-avc1+sound"),
        ([video(854, 480), video(1280, 720), video(1920, 1080)], "720x1280-avc1+sound"),  # portrait
        ([video(720, 1280, "vp9"), video(720, 1280), video(720, 1280, "av01")], "1280x720-avc1+sound"),
        ([both(360, 640), video(720, 1280, "vp9")], "1280x720-vp9+sound"),
        ([both(720, 1280), video(480, 854)], "both-1280x720"),
    ],
)
def test_720_else_480_else_the_best(formats, chosen):
    options = {
        "format": FORMAT,
        "format_sort": FORMAT_SORT,
        "quiet": True,
        "simulate": True,
        "ignoreconfig": True,
    }
    info = {"id": "x", "title": "t", "extractor": "e", "extractor_key": "E", "formats": [SOUND, *formats]}
    with yt_dlp.YoutubeDL(options) as downloader:
        assert downloader.process_video_result(info, download=False)["format_id"] == chosen


def test_one_file_with_both_is_taken_where_there_is_nothing_else():
    options = {
        "format": FORMAT,
        "format_sort": FORMAT_SORT,
        "quiet": True,
        "simulate": True,
        "ignoreconfig": True,
    }
    info = {"id": "x", "title": "t", "extractor": "e", "extractor_key": "E", "formats": [both(360, 640)]}
    with yt_dlp.YoutubeDL(options) as downloader:
        assert downloader.process_video_result(info, download=False)["format_id"] == "both-640x360"
