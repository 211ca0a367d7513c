"""yt-dlp in a process of its own: what hangs or trickles is killed by the time limit.

Started as `python -m wavbrivl.corpus.sources.finder`, one for each fetching thread, for many videos.
It reads messages on standard input and answers on standard output (`wavbrivl.corpus.worker`).
"""

import io
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wavbrivl.corpus.causes import SourceError, source_error
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.worker import receive, send

LONG_SECONDS = 120  # below this, the whole file is as quick as a section of it
FORMAT_SORT = ["res", "vcodec:h264", "acodec:aac"]  # among equals, what an MP4 holds without re-encoding
_EXTRACTORS = {"embedded": ["generic"], "youtube": ["youtube"], "direct": ["generic"]}


def format_choice(heights: list[int]) -> str:
    """yt-dlp's format expression: these heights in order, then the best. A portrait video's is its width."""
    each = [
        f"bv*[height={n}][width>={n}]+ba/bv*[width={n}][height>{n}]+ba/b[height={n}][width>={n}]/b[width={n}][height>{n}]"
        for n in heights
    ]
    return "/".join([*each, "bv*+ba/b"])


def find(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Find a video; download it, or hand on the addresses of its streams.

    Args:
        request: kind, address, folder, cookies (text), proxy, sections, and the keys of `fetch`.

    Returns:
        `{"location", "headers"}` for the file, or for picture and sound.

    Raises:
        SourceError: in yt-dlp's own words.
    """
    import yt_dlp

    try:
        with yt_dlp.YoutubeDL(options(request)) as downloader:
            info = downloader.extract_info(request["address"], download=False)
            if info is None or "entries" in info:
                raise SourceError(Status.UNSUPPORTED, "the address is not a single video")
            if request["sections"] or (info.get("duration") or 0) > LONG_SECONDS:
                chosen = info.get("requested_formats") or [info]
                return [{"location": c["url"], "headers": c.get("http_headers") or {}} for c in chosen]
            done = downloader.process_ie_result(info, download=True)
            return [{"location": item["filepath"], "headers": {}} for item in done["requested_downloads"]]
    except (yt_dlp.utils.YoutubeDLError, OSError) as error:
        raise source_error(error) from error


def options(request: Mapping[str, Any]) -> dict[str, Any]:
    """What yt-dlp is told."""
    import imageio_ffmpeg

    fetch = request["fetch"]
    limit = fetch["timeout_seconds"]
    deadline = time.monotonic() + limit

    def watch(progress: dict[str, Any]) -> None:
        if progress["status"] == "downloading" and time.monotonic() > deadline:
            raise SourceError(Status.TIMEOUT, f"too slow: not done in {limit:g} s")

    return {
        "format": format_choice(fetch["heights"]),
        "format_sort": FORMAT_SORT,
        "outtmpl": {"default": str(Path(request["folder"]) / "source.%(ext)s")},
        "allowed_extractors": _EXTRACTORS[request["kind"]],
        "enable_file_urls": request["kind"] == "embedded",
        "ffmpeg_location": imageio_ffmpeg.get_ffmpeg_exe(),
        "logger": _Silent(),
        "progress_hooks": [watch],
        "socket_timeout": min(limit, 30),
        "cookiefile": io.StringIO(request["cookies"]) if request["cookies"] else None,
        "proxy": request["proxy"],
        "js_runtimes": {fetch["javascript"]: {}},
        "ratelimit": fetch["bytes_per_second"],
        "sleep_interval_requests": fetch["request_sleep_seconds"],
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


class _Silent:
    """yt-dlp's messages reach us as exceptions; its own printing would only repeat them."""

    def debug(self, message: str) -> None: ...

    def info(self, message: str) -> None: ...

    def warning(self, message: str) -> None: ...

    def error(self, message: str) -> None: ...


def main() -> None:
    """Answer until the other side closes, or is gone."""
    import yt_dlp  # noqa: F401 - takes a second, which no video's time limit should pay

    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    send(answers, {"ready": True}, [])
    while message := receive(sys.stdin.buffer):
        try:
            answer: dict[str, Any] = {"streams": find(message[0])}
        except SourceError as error:
            answer = {"status": error.status, "cause": error.cause, "retry_after": error.retry_after}
        except Exception as error:  # yt-dlp raises anything at all: say it, do not die of it
            answer = {
                "status": Status.UNSUPPORTED,
                "cause": f"{type(error).__name__}: {error}",
                "retry_after": None,
            }
        send(answers, answer, [])


def _end_with(parent: int) -> None:
    """A killed job must not go on downloading into a folder that the next run uses."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


if __name__ == "__main__":
    main()
