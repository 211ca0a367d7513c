"""HTTP requests of which every part has a time limit, and that no redirect leads astray."""

import contextlib
import http.client
import socket
import threading
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

from wavbrivl.errors import UserError

SLOWEST = 1000  # bytes a second over the time limit; below that a transfer is a trickle
_LONGEST_WAIT = 30.0  # for the next byte
_AGENT = "wavbrivl (dataset download)"


def ask(address: str, headers: Mapping[str, str], timeout: float) -> http.client.HTTPResponse:
    """Send a GET request and read the head of its answer, of any form (`urllib`'s exceptions).

    Args:
        timeout: seconds for the head as a whole; each wait for a byte of the body has 30 at most.

    Raises:
        UserError: the address leads from https to http.
    """
    request = urllib.request.Request(address, headers={"User-Agent": _AGENT, **headers})
    return _OPENER.open(request, timeout=min(timeout, _LONGEST_WAIT))


class Tempo:
    """Notices a body that never stalls and never ends."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._since, self._bytes = time.monotonic(), 0

    def count(self, n: int) -> None:
        """Note that n bytes have come.

        Raises:
            TimeoutError: too few did within the time limit.
        """
        self._bytes += n
        now = time.monotonic()
        if now - self._since < self.timeout:
            return
        if self._bytes < SLOWEST * self.timeout:
            raise TimeoutError(f"too slow: {self._bytes} bytes in {self.timeout:g} s")
        self._since, self._bytes = now, 0


class _Patience:
    """A connection that is shut where the head of an answer comes byte by byte."""

    def getresponse(self) -> http.client.HTTPResponse:
        expired = threading.Event()

        def shut() -> None:
            expired.set()
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]

        timer = threading.Timer(self.timeout, shut)  # type: ignore[attr-defined]
        timer.start()
        try:
            return super().getresponse()  # type: ignore[misc]
        except (OSError, http.client.HTTPException):
            if expired.is_set():
                raise TimeoutError("too slow: the head of the answer did not come in time") from None
            raise
        finally:
            timer.cancel()


class _Connection(_Patience, http.client.HTTPConnection):
    pass


class _SafeConnection(_Patience, http.client.HTTPSConnection):
    pass


class _Handler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class _SafeHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SafeConnection, req)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """From https to http nobody is led; other schemes urllib refuses by itself."""

    max_redirections = 10

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.type == "https" and not newurl.startswith("https:"):
            raise UserError(f"{req.full_url} redirects to {newurl[:200]}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_Redirects, _Handler, _SafeHandler)
