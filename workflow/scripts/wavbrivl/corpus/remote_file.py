"""A remote file read from its start to its end, which goes on where a connection broke."""

import http.client
import logging
import time
from pathlib import Path
from urllib.parse import urlsplit

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.block import check_block, stop_error
from wavbrivl.corpus.causes import SourceError, source_error
from wavbrivl.corpus.ledger import STOPPING, TRANSIENT
from wavbrivl.corpus.web import Tempo, ask
from wavbrivl.errors import UserError

logger = logging.getLogger(__name__)
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
_CHUNK = 1 << 20


class RemoteFile:
    """What a streaming reader needs of a file: `read`, `close`, and use in a `with` block.

    After a break the rest is asked for by a range, of the same version of the file only. An attempt
    counts from the last byte that came: a long file may break more often than `fetch.attempts`.

    Args:
        address: http or https.
        fetch: `timeout_seconds` for each wait, `attempts` without a byte.
        shared: folder with the blocks of hosts.

    Raises:
        UserError: the host refuses, or the file is not there, not whole or not the same any more.
    """

    def __init__(self, address: str, fetch: FetchConfig, shared: Path) -> None:
        self.address = address
        self.config = fetch
        self.shared = shared
        self.host = urlsplit(address).hostname or ""
        self.place = 0
        self.length: int | None = None
        self.version = ""
        self._answer: http.client.HTTPResponse | None = None

    def __enter__(self) -> "RemoteFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        if self._answer is not None:
            self._answer.close()
        self._answer = None

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end of the file."""
        if self.place == self.length:
            return b""
        failed = 0
        while True:
            try:
                data = self._piece(size)
                self.place += len(data)
                return data
            except (OSError, http.client.HTTPException) as error:
                self.close()
                failed += 1
                self._give_up(source_error(error), failed)
                time.sleep(min(FIRST_WAIT * 2 ** (failed - 1), LONGEST_WAIT))

    def _piece(self, size: int) -> bytes:
        if self._answer is None:
            self._answer = self._ask()
        data = self._answer.read1(size)
        self._tempo.count(len(data))
        if not data and self.length is not None and self.place < self.length:
            raise ConnectionResetError(f"connection ended after {self.place} of {self.length} bytes")
        if not data:
            self.length = self.place
        return data

    def _ask(self) -> http.client.HTTPResponse:
        """Open the file at the place that has been reached."""
        check_block(self.shared, self.host)
        headers = {"Range": f"bytes={self.place}-", "If-Range": self.version} if self.place else {}
        answer = ask(self.address, headers, self.config.timeout_seconds)
        self._tempo = Tempo(self.config.timeout_seconds)
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        if self.place and version != self.version:
            raise UserError(f"{self.address} changed while it was read: run the same command again")
        self.version = version
        if self.place and answer.status != http.client.PARTIAL_CONTENT:
            self._pass_over(answer)
        elif not self.place:
            stated = answer.headers.get("Content-Length") or ""
            self.length = int(stated) if stated.isdigit() else None
        return answer

    def _pass_over(self, answer: http.client.HTTPResponse) -> None:
        """A host that gives no ranges sends everything again."""
        left = self.place
        while left:
            data = answer.read1(min(left, _CHUNK))
            self._tempo.count(len(data))
            if not data:
                raise ConnectionResetError("connection ended before the place that had been reached")
            left -= len(data)

    def _give_up(self, error: SourceError, failed: int) -> None:
        """Return if another try may help."""
        if error.status in STOPPING:
            raise stop_error(self.shared, self.host, error) from None
        if error.status not in TRANSIENT or failed >= self.config.attempts:
            what = "try again later" if error.status in TRANSIENT else "correct the address or take it out"
            raise UserError(
                f"corpus.sources: {self.address}: {error.status}: {error.cause}; {what}"
            ) from None
        logger.warning("%s: %s after %d bytes, trying again", self.address, error.cause, self.place)
