"""One request for a file over HTTP: what is still missing of it, limited in size and time."""

import http.client
import json
import logging
import time
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wavbrivl.corpus.causes import SourceError, http_error, source_error
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.web import Tempo, ask

logger = logging.getLogger(__name__)
_CHUNK = 1 << 18
_NEWS_SECONDS = 60


def transfer(address: str, part: Path, limit: int, timeout: float) -> None:
    """Bring a file to its end; what an earlier try has got is used where it is of the same version.

    Args:
        part: what there is so far; a note beside it says of which version.
        limit: bytes; a longer file is refused.
        timeout: seconds for the head of the answer, and for the fewest bytes (`web.SLOWEST`) of its body.

    Raises:
        SourceError: why not, in a status of the closed list.
        UserError: the address leads from https to http.
    """
    try:
        _request(address, part, limit, timeout)
    except SourceError:
        raise
    except urllib.error.HTTPError as error:
        if error.code == 416 and _whole(part, error.headers):
            return
        raise http_error(error.code, f"HTTP Error {error.code}: {error.reason}", error.headers) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise source_error(error) from None


def forget(part: Path) -> None:
    """The file is whole and in its place: its note goes."""
    _note(part).unlink(missing_ok=True)


def _request(address: str, part: Path, limit: int, timeout: float) -> None:
    have, version = _so_far(part, address)
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    with ask(address, headers, timeout) as answer:
        if answer.headers.get_content_type() == "text/html":
            raise SourceError(Status.UNSUPPORTED, f"{address} answers with a web page instead of the file")
        have = have if answer.status == 206 and _starts_at(answer, have) else 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdecimal() else None
        if (total or 0) > limit:
            raise SourceError(Status.UNSUPPORTED, f"{address} is {total} bytes long, more than {limit}")
        _remember(part, address, answer.headers)
        with part.open("r+b" if have else "wb") as handle:
            handle.seek(have)
            handle.truncate()
            have = _copy(answer.read1, handle.write, have, limit, timeout, address)
    if total is not None and have < total:
        raise SourceError(Status.NETWORK, f"{address}: connection closed after {have} of {total} bytes")


def _copy(
    read: Callable[[int], bytes], write: Callable[[bytes], int], have: int, limit: int, timeout: float,
    address: str,
) -> int:  # fmt: skip
    """Copy until the end; a transfer that brings almost nothing within the time limit is given up."""
    tempo, told = Tempo(timeout), time.monotonic()
    while chunk := read(_CHUNK):
        have += len(chunk)
        if have > limit:
            raise SourceError(Status.UNSUPPORTED, f"{address} is longer than {limit} bytes")
        write(chunk)
        tempo.count(len(chunk))
        if time.monotonic() - told > _NEWS_SECONDS:
            logger.info("%s: %d MB", address, have // 1_000_000)
            told = time.monotonic()
    return have


def _starts_at(answer: Any, have: int) -> bool:
    return (answer.headers.get("Content-Range") or "").startswith(f"bytes {have}-")


def _whole(part: Path, headers: Any) -> bool:
    """Whether a request for more was refused because there is no more; else the file is begun anew."""
    if headers.get("Content-Range") == f"bytes */{part.stat().st_size}":
        return True
    _note(part).unlink(missing_ok=True)
    return False


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _remember(part: Path, address: str, headers: Any) -> None:
    """Which version of the file this is: a strong ETag or the date; without one nothing can be resumed."""
    tag = headers.get("ETag") or ""
    version = headers.get("Last-Modified") if not tag or tag.startswith("W/") else tag
    _note(part).write_text(json.dumps({"address": address, "version": version}), encoding="utf-8")


def _so_far(part: Path, address: str) -> tuple[int, str]:
    """Bytes that are there of the same file, and its version."""
    try:
        note = json.loads(_note(part).read_text(encoding="utf-8"))
        have = part.stat().st_size
    except (OSError, ValueError):
        return 0, ""
    same = note.get("address") == address and note.get("version")
    return (have, note["version"]) if same else (0, "")
