"""Decoding processes with a time limit: killed and replaced when a file hangs or crashes them."""

import contextlib
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.request import Extracted, Request
from wavbrivl.corpus.timeline import MediaError
from wavbrivl.corpus.worker import Message, receive, send

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_GRACE_SECONDS = 10  # our own limit comes first
T = TypeVar("T")
R = TypeVar("R")


class _CrashError(Exception):
    """The process ended while it had a file."""


class Decoder:
    """One long-lived decoding process, restarted after a kill."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None

    def extract(self, data: bytes, request: Request) -> Extracted:
        """As `wavbrivl.corpus.extract.extract`, within the time limit.

        A file that crashes the decoder is tried once more: the process may have been killed for
        a reason of its own, such as the memory of the machine.

        Raises:
            MediaError: also where the file hangs or crashes the decoder.
        """
        try:
            header, blobs = self._exchange(data, request)
        except _CrashError:
            try:
                header, blobs = self._exchange(data, request)
            except _CrashError as error:
                raise MediaError(Status.UNDECODABLE, f"the decoder crashed: {error}") from None
        if "status" in header:
            raise MediaError(Status(header["status"]), header["cause"])
        members = dict(zip(header.pop("names"), blobs, strict=True))
        return Extracted(members=members, **header)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            _kill(self._process)
            self._process.wait()
            with contextlib.suppress(BrokenPipeError):  # what was not yet sent goes nowhere
                self._process.stdin.close()  # type: ignore[union-attr]
            self._process.stdout.close()  # type: ignore[union-attr]
            self._printed.close()
        self._process = None

    def _exchange(self, data: bytes, request: Request) -> Message:
        process = self._running()
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _kill(process)

        timer = threading.Timer(self.timeout, expire)
        timer.start()
        try:
            send(process.stdin, asdict(request), [data])  # type: ignore[arg-type]
            answer = receive(process.stdout)  # type: ignore[arg-type]
        except (BrokenPipeError, ConnectionResetError):
            answer = None
        finally:
            timer.cancel()
        if answer is not None:
            return answer
        said = f"exit status {process.wait()}: {self._last_words()}"
        self.close()
        if expired.is_set():
            raise MediaError(Status.UNDECODABLE, f"decoding took longer than {self.timeout:g} s")
        raise _CrashError(said)

    def _last_words(self) -> str:
        size = self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, size - 300))
        return self._printed.read().decode(errors="replace").strip()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "wavbrivl.corpus.worker",
                    str(math.ceil(self.timeout) + _GRACE_SECONDS),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
                env=os.environ | {"PYTHONPATH": str(_PACKAGE_ROOT), "OMP_NUM_THREADS": "1"},
                start_new_session=True,  # its own group: its child, and an ffmpeg of that, die with it
            )
            if receive(self._process.stdout) is None:  # type: ignore[arg-type]
                raise RuntimeError(f"the decoding process does not start: {self._last_words()}")
        return self._process


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def in_order(
    items: Iterable[T], work: Callable[[Decoder, T], R], workers: int, timeout: float
) -> Iterator[tuple[T, R]]:
    """Do `work` on every item, `workers` at a time, and yield the results in the items' order.

    No more than twice as many items as workers are held at once.
    """
    local = threading.local()
    decoders = [Decoder(timeout) for _ in range(workers)]
    free = deque(decoders)

    def run(item: T) -> R:
        if not hasattr(local, "decoder"):
            local.decoder = free.popleft()
        return work(local.decoder, item)

    waiting: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(run, item)))
                while len(waiting) >= 2 * workers:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
            for decoder in decoders:
                decoder.close()
