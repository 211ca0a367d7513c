"""One file over HTTP: resumed where it stopped, limited in size and time, checked before it counts."""

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.block import check_block, stop_error
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.fetch import retrying
from wavbrivl.corpus.ledger import STOPPING, Status
from wavbrivl.corpus.pace import wait_for_turn
from wavbrivl.corpus.transfer import forget, transfer


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
        transfer(address, part, limit, fetch.timeout_seconds)

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
    forget(part)


def digest_of(path: Path, kind: str) -> str:
    """Checksum of a file: sha256, md5, or git's blob sha1."""
    digest = hashlib.new("sha1" if kind == "git_blob" else kind, usedforsecurity=False)
    if kind == "git_blob":
        digest.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
