"""What a fetch job has got so far: kept outside rule outputs, so that it outlives a kill."""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from wavbrivl.corpus.ledger import LedgerRow, Status

_JOURNAL = "journal.jsonl"


def journal_rows(folder: Path) -> dict[str, LedgerRow]:
    """What the journal of a spool says of each clip, without touching it: a job may be writing it."""
    journal = folder / _JOURNAL
    if not journal.exists():
        return {}
    rows: dict[str, LedgerRow] = {}
    content = journal.read_text(encoding="utf-8")
    for line in content[: content.rfind("\n") + 1].splitlines():
        rows |= {item[0]: LedgerRow(item[0], Status(item[1]), *item[2:]) for item in json.loads(line)}
    return rows


class Spool:
    """A folder of fetched clips and a journal with one line for each video that is settled.

    A clip's file is moved into place before its line is written; a line torn by a kill is ignored.
    So a line says that its video need never be asked for again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / _JOURNAL
        shutil.rmtree(folder / "work", ignore_errors=True)
        (folder / "work").mkdir(parents=True)
        (folder / "clips").mkdir(exist_ok=True)
        self._mend()

    def work(self, video_id: str) -> Path:
        """A folder to fetch one video into; emptied when the job starts."""
        path = self.folder / "work" / video_id
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def clip(self, clip_id: str) -> Path:
        """Where the file of a fetched clip lies."""
        return self.folder / "clips" / f"{clip_id}.mp4"

    def keep(self, rows: Iterable[LedgerRow]) -> None:
        """Write down that a video is settled."""
        line = json.dumps(
            [[r.clip_id, r.status, r.cause, r.source, r.attempts, r.bytes, r.sha256] for r in rows]
        )
        with self.journal.open("a", encoding="utf-8") as handle:
            handle.write(line + "\n")

    def put(self, row: LedgerRow, content: bytes) -> None:
        """Take over a clip that was fetched before."""
        part = self.folder / "work" / f"{row.clip_id}.mp4"
        part.write_bytes(content)
        os.replace(part, self.clip(row.clip_id))
        self.keep([row])

    def settled(self) -> dict[str, LedgerRow]:
        """Every row that the journal holds and whose file is there."""
        rows = journal_rows(self.folder)
        return {name: row for name, row in rows.items() if row.status != Status.OK or self._whole(row)}

    def remove(self) -> None:
        """Drop everything; the shard's tar and ledger are in place."""
        shutil.rmtree(self.folder)

    def _whole(self, row: LedgerRow) -> bool:
        path = self.clip(row.clip_id)
        return path.exists() and path.stat().st_size == row.bytes

    def _mend(self) -> None:
        """Cut off a last line that a kill left unfinished, so that the next one stands alone."""
        if not self.journal.exists():
            return
        content = self.journal.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self.journal.write_bytes(whole)
