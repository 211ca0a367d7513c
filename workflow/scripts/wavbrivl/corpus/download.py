"""One file over HTTP: resumed where it stopped, limited in size and time, checked before it counts."""

import hashlib
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.block import check_block, stop_error
from wavbrivl.corpus.causes import SourceError, http_error, source_error
from wavbrivl.corpus.fetch import retrying
from wavbrivl.corpus.ledger import STOPPING, Status
from wavbrivl.corpus.pace import wait_for_turn
from wavbrivl.errors import UserError

logger = logging.getLogger(__name__)
SLOWEST = 1000  # bytes a second over the time limit; below that a transfer is a trickle
_CHUNK = 1 << 18
_AGENT = "wavbrivl (dataset download)"


def download(
    address: str, path: Path, limit: int, checksum: tuple[str, str] | None, fetch: FetchConfig, blocks: Path
) -> None:
    """Download a file into place; what a failed or killed try has got is used by the next.

    Args:
        path: where the whole, checked file goes; `<path>.part` beside it is what there is so far.
        limit: bytes; a longer file is refused.
        checksum: kind (sha256, md5, git_blob) and value, or None where the publisher gives none.
        blocks: folder of the blocked hosts, shared by all jobs.

    Raises:
        SourceError: this address does not give the file.
        UserError: the host blocks this machine, or the machine is offline or out of disk.
    """
    host = urlsplit(address).hostname or ""
    part = path.with_name(f"{path.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)

    def once() -> None:
        check_block(blocks, host)
        wait_for_turn(blocks, host, fetch.videos_per_hour)
        try:
            _transfer(address, part, limit, fetch.timeout_seconds)
        except SourceError:
            raise
        except urllib.error.HTTPError as error:
            if error.code == 416 and _whole(part, error.headers):
                return
            raise http_error(error.code, f"HTTP Error {error.code}: {error.reason}", error.headers) from None
        except (OSError, ValueError) as error:
            raise source_error(error) from None

    try:
        retrying(fetch.attempts)(once)
    except SourceError as error:
        if error.status in STOPPING:
            raise stop_error(blocks, host, error) from None
        raise
    if checksum and digest_of(part, checksum[0]) != checksum[1]:
        part.unlink()
        raise SourceError(
            Status.UNSUPPORTED, f"{address} gave a file whose {checksum[0]} is not {checksum[1]}"
        )
    part.replace(path)
    _note(part).unlink(missing_ok=True)


def digest_of(path: Path, kind: str) -> str:
    """Checksum of a file: sha256, md5, or git's blob sha1."""
    digest = hashlib.new("sha1" if kind == "git_blob" else kind, usedforsecurity=False)
    if kind == "git_blob":
        digest.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _transfer(address: str, part: Path, limit: int, timeout: float) -> None:
    """One request, for what is still missing where the server can tell that the file is the same."""
    have, version = _so_far(part, address)
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    request = urllib.request.Request(address, headers=headers)
    with _OPENER.open(request, timeout=min(timeout, 30)) as answer:
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
    since, then = time.monotonic(), have
    while chunk := read(_CHUNK):
        have += len(chunk)
        if have > limit:
            raise SourceError(Status.UNSUPPORTED, f"{address} is longer than {limit} bytes")
        write(chunk)
        now = time.monotonic()
        if now - since > timeout:
            if have - then < SLOWEST * timeout:
                raise SourceError(
                    Status.TIMEOUT, f"{address} is too slow: {have - then} bytes in {timeout:g} s"
                )
            logger.info("%s: %d MB", address, have // 1_000_000)
            since, then = now, have
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


class _Redirects(urllib.request.HTTPRedirectHandler):
    """From https to http nobody is led; other schemes urllib refuses by itself."""

    max_redirections = 10

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.type == "https" and not newurl.startswith("https:"):
            raise UserError(f"{req.full_url} redirects to {newurl[:200]}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_Redirects)
