"""The ledger: one row for every clip of a shard, with its fate and the cause in the source's own words."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from wavbrivl.errors import UserError
from wavbrivl.files import write_text


class Status(StrEnum):
    """Every fate that a clip can have."""

    OK = "ok"
    GONE = "gone"  # removed, account closed, HTTP 410
    NOT_FOUND = "not-found"  # HTTP 404, no such file
    PRIVATE = "private"
    AGE_RESTRICTED = "age-restricted"
    REGION_BLOCKED = "region-blocked"
    MEMBERS_ONLY = "members-only"
    NOT_YET = "not-yet"  # a premiere or a live stream to come
    UNSUPPORTED = "unsupported"  # a page without a video, DRM
    MISSING = "missing"  # no source has it
    FORBIDDEN = "forbidden"  # HTTP 403 for this video, while others are served
    NETWORK = "network"  # reset, refused, cut off
    TIMEOUT = "timeout"
    SERVER_ERROR = "server-error"  # HTTP 5xx
    BLOCKED = "blocked"  # the host refuses this machine
    RATE_LIMITED = "rate-limited"
    OFFLINE = "offline"
    DISK_FULL = "disk-full"
    PENDING = "pending"  # not asked for yet
    NO_AUDIO = "no-audio"
    NO_VIDEO = "no-video"
    TOO_SHORT = "too-short"
    UNDECODABLE = "undecodable"


TRANSIENT = frozenset({Status.FORBIDDEN, Status.NETWORK, Status.TIMEOUT, Status.SERVER_ERROR})
"""Worth another try, now and later."""
STOPPING = frozenset({Status.BLOCKED, Status.RATE_LIMITED, Status.OFFLINE, Status.DISK_FULL})
"""They say nothing about the clip: the job stops, and they are never written to a ledger."""

RETRIED = TRANSIENT | STOPPING | {Status.PENDING}
"""What `snakemake retry_transient` asks again; everything else is an answer."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The fate of one clip. Unknown numbers and flags are None and stand as empty cells."""

    clip_id: str
    status: Status
    cause: str = ""
    source: str = ""
    attempts: int = 0
    bytes: int | None = None
    sha256: str = ""
    duration_ms: int | None = None
    silence: bool | None = None
    still: bool | None = None


COLUMNS = tuple(field.name for field in fields(LedgerRow))
_CAUSE_LIMIT = 500


def one_line(text: str) -> str:
    """A cause as it is stored: on one line, without control characters, of bounded length.

    Paths are told from the working directory, so that a ledger's bytes do not depend on where a run lies.
    """
    portable = text.replace(f"{Path.cwd()}/", "")
    printable = "".join(char if char.isprintable() else " " for char in portable)
    return " ".join(printable.split())[:_CAUSE_LIMIT]


def write_ledger(path: Path, rows: Iterable[LedgerRow]) -> None:
    """Write a shard's ledger as CSV, in the order given (the manifest's)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in astuple(row)] for row in rows)
    write_text(path, buffer.getvalue())


def read_ledger(path: Path) -> list[LedgerRow]:
    """Read a shard's ledger.

    Raises:
        UserError: the file is not a ledger, or a status is unknown.
    """
    with Path(path).open(encoding="utf-8", newline="") as handle:
        rows = csv.DictReader(handle)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise UserError(f"{path} is not a ledger: its first line must be {','.join(COLUMNS)}")
        try:
            return [_parse(row) for row in rows]
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path}, line {rows.line_num}: {error}") from None


def coverage(ledgers: Sequence[Path]) -> dict[str, Any]:
    """Count clips: how many there should be, how many there are, and why the others are missing.

    Returns:
        {"expected": n, "found": n, "missing": {status: n}}, as every metric carries it.
    """
    counts = Counter(row.status for path in ledgers for row in read_ledger(path))
    found = counts.pop(Status.OK, 0)
    missing = {str(status): counts[status] for status in sorted(counts)}
    return {"expected": found + sum(missing.values()), "found": found, "missing": missing}


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _parse(row: dict[str, str]) -> LedgerRow:
    flags = {"": None, "true": True, "false": False}
    return LedgerRow(
        clip_id=row["clip_id"],
        status=Status(row["status"]),
        cause=row["cause"],
        source=row["source"],
        attempts=int(row["attempts"]),
        bytes=int(row["bytes"]) if row["bytes"] else None,
        sha256=row["sha256"],
        duration_ms=int(row["duration_ms"]) if row["duration_ms"] else None,
        silence=flags[row["silence"]],
        still=flags[row["still"]],
    )
