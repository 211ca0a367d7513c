"""Videos through yt-dlp's Python API: YouTube, and the embedded world's own files.

yt-dlp finds the video and chooses the format. A direct file is downloaded whole by yt-dlp; of a
long remote video only the needed sections are read, by our own ffmpeg run, because a section that
yt-dlp hands to ffmpeg loses the cause of a failure and has no time limit.
"""

import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import imageio_ffmpeg
import yt_dlp

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.causes import SourceError, source_error
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.cut import Stream, cut_clips
from wavbrivl.corpus.ledger import Status
from wavbrivl.errors import UserError

# The paper: "720P, if not 480P". A portrait video's 720 is its width.
_HEIGHTS = "/".join(
    f"bv*[height={n}][width>={n}]+ba/bv*[width={n}][height>{n}]+ba/b[height={n}][width>={n}]/b[width={n}][height>{n}]"
    for n in (720, 480)
)
FORMAT = f"{_HEIGHTS}/bv*+ba/b"
FORMAT_SORT = ["res", "vcodec:h264", "acodec:aac"]  # among equals, what an MP4 holds without re-encoding
LONG_SECONDS = 120  # below this, the whole file is as quick as a section of it

_EXTRACTORS = {"embedded": ["generic"], "youtube": ["youtube"], "direct": ["generic"]}


class YtDlpSource:
    """Asks yt-dlp for a clip's address.

    Args:
        kind: `embedded` (only `file://` addresses, which the manifest made), `youtube`, or `direct`
            (an address of a media file over HTTP).
        fetch: margins and time limits.
        cookies: a Netscape cookies file.
        proxy: a proxy address.
        sections: read only the needed parts of a remote file, however short it is.
    """

    def __init__(
        self,
        kind: str,
        fetch: FetchConfig,
        cookies: str | None = None,
        proxy: str | None = None,
        sections: bool = False,
    ) -> None:
        if cookies and not Path(cookies).is_file():
            raise UserError(f"corpus.sources: the cookies file {cookies} does not exist")
        self.kind = kind
        self.config = fetch
        # A copy in memory: yt-dlp writes the cookies back, and threads share the file.
        self.cookies = Path(cookies).read_text(encoding="utf-8") if cookies else None
        self.proxy = proxy
        self.sections = sections

    def host(self, clips: Sequence[Clip]) -> str | None:
        return urlsplit(clips[0].address).hostname

    def fetch(self, clips: Sequence[Clip], folder: Path) -> Mapping[str, Path | SourceError]:
        address = clips[0].address
        self._check(address)
        if self.config.sleep_seconds and self.host(clips):
            time.sleep(self.config.sleep_seconds)
        try:
            with yt_dlp.YoutubeDL(self._options(folder)) as downloader:
                streams = self._streams(downloader, address)
        except (yt_dlp.utils.YoutubeDLError, OSError) as error:
            raise source_error(error) from error
        paths = cut_clips(streams, clips, folder, self.config.margin_seconds, self.config.timeout_seconds)
        return {name: path if path.is_file() else _nothing(name) for name, path in paths.items()}

    def _streams(self, downloader: yt_dlp.YoutubeDL, address: str) -> list[Stream]:
        """Find the video; download it, or hand on the addresses of its streams."""
        info = downloader.extract_info(address, download=False)
        if info is None or "entries" in info:
            raise SourceError(Status.UNSUPPORTED, "the address is not a single video")
        if self.sections or (info.get("duration") or 0) > LONG_SECONDS:
            return _remote(info)
        done = downloader.process_ie_result(info, download=True)
        return [Stream(item["filepath"]) for item in done["requested_downloads"]]

    def _check(self, address: str) -> None:
        """A `file://` address is opened for the embedded world alone, and nothing else is for it."""
        scheme = urlsplit(address).scheme
        if (self.kind == "embedded") != (scheme == "file") or scheme not in ("file", "http", "https"):
            raise SourceError(
                Status.UNSUPPORTED, f"the source '{self.kind}' does not open {scheme}: addresses"
            )

    def _options(self, folder: Path) -> dict[str, Any]:
        deadline = time.monotonic() + self.config.timeout_seconds

        def watch(progress: dict[str, Any]) -> None:
            if progress["status"] == "downloading" and time.monotonic() > deadline:
                raise SourceError(Status.TIMEOUT, f"too slow: not done in {self.config.timeout_seconds:g} s")

        return {
            "format": FORMAT,
            "format_sort": FORMAT_SORT,
            "outtmpl": {"default": str(folder / "source.%(ext)s")},
            "allowed_extractors": _EXTRACTORS[self.kind],
            "enable_file_urls": self.kind == "embedded",
            "ffmpeg_location": imageio_ffmpeg.get_ffmpeg_exe(),
            "logger": _Silent(),
            "progress_hooks": [watch],
            "socket_timeout": min(self.config.timeout_seconds, 30),
            "cookiefile": io.StringIO(self.cookies) if self.cookies else None,
            "proxy": self.proxy,
            "cachedir": False,
            "noplaylist": True,
            "ignoreconfig": True,
            "updatetime": False,
            # One policy counts attempts: ours.
            "retries": 0,
            "fragment_retries": 0,
            "extractor_retries": 0,
            "file_access_retries": 0,
            "skip_unavailable_fragments": False,
            "continuedl": False,
            "nopart": True,
        }


def _remote(info: Mapping[str, Any]) -> list[Stream]:
    """The streams that yt-dlp chose, picture first, then sound (or one file with both)."""
    chosen = info.get("requested_formats") or [info]
    return [Stream(item["url"], item.get("http_headers") or {}) for item in chosen]


def _nothing(name: str) -> SourceError:
    return SourceError(Status.UNDECODABLE, f"ffmpeg wrote nothing for {name}")


class _Silent:
    """yt-dlp's messages reach us as exceptions; its own printing would only repeat them."""

    def debug(self, message: str) -> None: ...

    def info(self, message: str) -> None: ...

    def warning(self, message: str) -> None: ...

    def error(self, message: str) -> None: ...
