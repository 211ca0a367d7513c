"""Videos through yt-dlp's Python API: YouTube, and the embedded world's own files.

yt-dlp finds the video and chooses the format, in a process that can be killed (`finder`). A direct
file is downloaded whole by yt-dlp; of a long remote video only the needed sections are read, by our
own ffmpeg run, because a section that yt-dlp hands to ffmpeg loses the cause of a failure and has no
time limit.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.cut import Stream, cut_clips
from wavbrivl.corpus.javascript import find_runtime
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.worker import receive, send
from wavbrivl.errors import UserError

logger = logging.getLogger(__name__)
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]
_GRACE_SECONDS = 2.0  # yt-dlp's own time limits come first: they leave a better cause


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
        if kind == "youtube" and find_runtime(fetch.javascript) is None:
            logger.warning(
                "%s is not installed (fetch.javascript): YouTube gives few formats without it, or none",
                fetch.javascript,
            )
        self.kind = kind
        self.config = fetch
        # Read once: yt-dlp writes the cookies back, and threads share the file.
        self.cookies = Path(cookies).read_text(encoding="utf-8") if cookies else None
        self.proxy = proxy
        self.sections = sections
        self._local = threading.local()

    def host(self, clips: Sequence[Clip]) -> str | None:
        return urlsplit(clips[0].address).hostname

    def fetch(self, clips: Sequence[Clip], folder: Path) -> Mapping[str, Path | SourceError]:
        address = clips[0].address
        self._check(address)
        if self.config.sleep_seconds and self.host(clips):
            time.sleep(self.config.sleep_seconds)
        streams = self._streams(address, folder)
        paths = cut_clips(streams, clips, folder, self.config.margin_seconds, self.config.timeout_seconds)
        return {name: path if path.is_file() else _nothing(name) for name, path in paths.items()}

    def _streams(self, address: str, folder: Path) -> list[Stream]:
        """The downloaded file, or the addresses of its streams: picture first, then sound."""
        if not hasattr(self._local, "finder"):
            self._local.finder = Finder(self.config.timeout_seconds + _GRACE_SECONDS)
        request = {
            "kind": self.kind,
            "address": address,
            "folder": str(folder),
            "cookies": self.cookies,
            "proxy": self.proxy,
            "sections": self.sections,
            "fetch": self.config.model_dump(mode="json"),
        }
        found = self._local.finder.ask(request)
        return [Stream(item["location"], item["headers"], self.proxy) for item in found]

    def _check(self, address: str) -> None:
        """A `file://` address is opened for the embedded world alone, and nothing else is for it."""
        scheme = urlsplit(address).scheme
        if (self.kind == "embedded") != (scheme == "file") or scheme not in ("file", "http", "https"):
            raise SourceError(
                Status.UNSUPPORTED, f"the source '{self.kind}' does not open {scheme}: addresses"
            )


class Finder:
    """One long-lived yt-dlp process with a time limit; replaced after a kill."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """As `finder.find`, within the time limit.

        Raises:
            SourceError: also where the process had to be killed, or died.
        """
        process = self._running()
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _kill(process)

        timer = threading.Timer(self.timeout, expire)
        timer.start()
        try:
            send(process.stdin, request, [])  # type: ignore[arg-type]
            message = receive(process.stdout)  # type: ignore[arg-type]
        except (BrokenPipeError, ConnectionResetError):
            message = None
        finally:
            timer.cancel()
        if message is None:
            said = f"yt-dlp took longer than {self.timeout:g} s" if expired.is_set() else self._last_words()
            self.close()
            raise SourceError(Status.TIMEOUT if expired.is_set() else Status.UNSUPPORTED, said)
        answer = message[0]
        if "status" in answer:
            raise SourceError(Status(answer["status"]), answer["cause"], answer["retry_after"])
        return answer["streams"]

    def close(self) -> None:
        """End the process and whatever it has started."""
        if self._process is not None:
            self._end()
        self._process = None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
            self._process = subprocess.Popen(
                [sys.executable, "-m", "wavbrivl.corpus.sources.finder"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
                env=os.environ | {"PYTHONPATH": str(_PACKAGE_ROOT)},
                start_new_session=True,  # its own group: ffmpeg and the JavaScript runtime die with it
            )
            self._end = weakref.finalize(self, _close, self._process)
            if receive(self._process.stdout) is None:  # type: ignore[arg-type]
                raise RuntimeError(f"the yt-dlp process does not start: {self._last_words()}")
        return self._process

    def _last_words(self) -> str:
        size = self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, size - 300))
        return f"the yt-dlp process ended: {self._printed.read().decode(errors='replace').strip()}"


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _close(process: "subprocess.Popen[bytes]") -> None:
    _kill(process)
    process.wait()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(BrokenPipeError):
            stream.close()  # type: ignore[union-attr]


def _nothing(name: str) -> SourceError:
    return SourceError(Status.UNDECODABLE, f"ffmpeg wrote nothing for {name}")
