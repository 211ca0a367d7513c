"""What was once fetched from a remote host is never fetched again, whatever makes a rule run again.

Snakemake deletes a job's outputs before it runs the job again: after an update of yt-dlp, an edited
module, `--forcerun`. Beside the outputs therefore lies a second name of the finished tar (a hard link,
no second copy) with its ledger; a job that runs again takes from there what it already had.
"""

import hashlib
import logging
import os
import tarfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.ledger import LedgerRow, Status, read_ledger, write_ledger
from wavbrivl.corpus.spool import Spool
from wavbrivl.files import atomic, read_json, write_json

logger = logging.getLogger(__name__)
LOCAL_SOURCES = frozenset({"embedded", "folder", "vegas"})
"""Asking them again costs nothing and shows what has changed in them."""


class Kept:
    """The second name of one shard's tar and its ledger, in a folder outside all rule outputs."""

    def __init__(self, folder: Path, shard: str) -> None:
        self.tar = folder / f"{shard}.tar"
        self.ledger = folder / f"{shard}.ledger.csv"
        self.about = folder / f"{shard}.json"

    def save(self, tar: Path, rows: Iterable[LedgerRow], key: dict[str, Any]) -> None:
        """Keep a finished shard. A file system without hard links keeps nothing, and the log says so."""
        try:
            self._link(tar)
        except OSError as error:
            logger.warning("%s is not kept beside the outputs: %s", tar.name, error)
            return
        write_ledger(self.ledger, rows)
        write_json(self.about, key)

    def adopt(self, store: Spool, clip_ids: Collection[str], key: dict[str, Any]) -> None:
        """Put into the spool what was fetched or refused for good under the same key.

        Where only the sources changed, what is there stays and everything else is asked again.
        """
        if not all(path.exists() for path in (self.tar, self.ledger, self.about)):
            return
        about = read_json(self.about)
        again = about.pop("again", None)
        if {**about, "sources": None} != {**key, "sources": None}:
            return
        known = store.settled()
        rows = [
            row for row in read_ledger(self.ledger) if row.clip_id in clip_ids and row.clip_id not in known
        ]
        if not again:
            rows = [row for row in rows if row.source not in LOCAL_SOURCES]
        if about["sources"] != key["sources"]:
            rows = [row for row in rows if row.status == Status.OK]
        store.keep(row for row in rows if row.status not in (Status.OK, Status.PENDING))
        good = {f"{row.clip_id}.mp4": row for row in rows if row.status == Status.OK}
        for name, data in _members(self.tar, good):
            if hashlib.sha256(data).hexdigest() == good[name].sha256:
                store.put(good[name], data)

    def ask_again(self, tar: Path, ledger: Path, statuses: Collection[Status], key: dict[str, Any]) -> int:
        """Prepare a finished shard: the next run of its job asks for its clips of these statuses alone.

        Returns:
            How many clips those are.
        """
        rows = read_ledger(ledger)
        settled = [row for row in rows if row.status not in statuses]
        if len(settled) == len(rows):
            return 0
        if tar.exists():
            self._link(tar)
        write_ledger(self.ledger, settled)
        about = read_json(self.about) if self.about.exists() else key
        write_json(self.about, about | {"again": True})
        return len(rows) - len(settled)

    def remove(self) -> None:
        """Forget the shard."""
        for path in (self.about, self.ledger, self.tar):
            path.unlink(missing_ok=True)

    def _link(self, tar: Path) -> None:
        with atomic(self.tar) as temporary:
            os.link(tar, temporary)


def key_of(fetch: FetchConfig, kinds: Sequence[str]) -> dict[str, Any]:
    """What decides the bytes of a fetched clip; politeness and patience do not."""
    return {"margin_seconds": fetch.margin_seconds, "heights": fetch.heights, "sources": list(kinds)}


def _members(tar: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(tar, "r:") as archive:
        for member in archive:
            handle = archive.extractfile(member) if member.name in wanted else None
            if handle is not None:
                yield member.name, handle.read()
