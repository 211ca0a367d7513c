"""A block is shared: until it expires, no job sends a request to that host."""

import time
from pathlib import Path

from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.ledger import Status
from wavbrivl.errors import UserError
from wavbrivl.files import read_json, write_json

WAIT_SECONDS = {Status.BLOCKED: 6 * 3600.0, Status.RATE_LIMITED: 3600.0, Status.OFFLINE: 60.0}
_WHAT_TO_DO = {
    Status.BLOCKED: "wait, set cookies or a proxy for the source, or install the runtime of fetch.javascript",
    Status.RATE_LIMITED: "wait, or raise fetch.sleep_seconds",
    Status.OFFLINE: "check the network connection",
    Status.DISK_FULL: "free some space",
}


def check_block(folder: Path, host: str) -> None:
    """Refuse to go on while a block of this host has not expired.

    Args:
        folder: what all fetch jobs share: the spool's parent.

    Raises:
        UserError: says until when, why, and what to do.
    """
    path = host_file(folder, "blocked", host)
    if not path.exists():
        return
    block = read_json(path)
    if block["until"] <= time.time():
        path.unlink(missing_ok=True)
        return
    until = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(block["until"]))
    raise UserError(
        f"{host} is not asked before {until} ({block['status']}: {block['cause']}); "
        f"delete {path} to try earlier, run the same command to go on"
    )


def stop_error(folder: Path, host: str | None, error: SourceError) -> UserError:
    """Record a block where there is a host to leave alone; return the sentence to stop with."""
    seconds = error.retry_after or WAIT_SECONDS.get(error.status)
    if host and seconds:
        block = {"status": str(error.status), "cause": error.cause, "until": time.time() + seconds}
        write_json(host_file(folder, "blocked", host), block)
    where = f" by {host}" if host and error.status != Status.DISK_FULL else ""
    return UserError(
        f"fetching stopped, {error.status}{where}: {error.cause}; {_WHAT_TO_DO[error.status]}, "
        "then run the same command: it goes on where it stopped, and nothing is recorded as gone"
    )


def host_file(folder: Path, what: str, host: str) -> Path:
    """A file in which all jobs share something about a host."""
    safe = "".join(char if char.isalnum() or char in ".-" else "_" for char in host)
    return folder / f"{what}-{safe}.json"
