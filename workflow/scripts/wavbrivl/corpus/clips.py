"""A clip as the manifest knows it, and the manifest file of one shard."""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path

from wavbrivl.errors import UserError
from wavbrivl.files import write_text

VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")
CLIP_ID = re.compile(r"([A-Za-z0-9_-]{1,64})_(\d{1,10})_(\d{1,10})")


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of a manifest. Times are milliseconds of the source video's own timeline."""

    clip_id: str
    video_id: str
    start_ms: int
    end_ms: int
    label: str
    split: str
    address: str = ""
    caption_en: str = ""
    caption_zh: str = ""
    label_zh: str = ""


COLUMNS = tuple(field.name for field in fields(Clip))
_cells = attrgetter(*COLUMNS)


def unit_hash(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but `parts`: the same on every machine."""
    digest = hashlib.sha256("\x00".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def clip_id(video_id: str, start_ms: int, end_ms: int) -> str:
    """The name of a clip: no dot, so that WebDataset reads what follows as the extension."""
    return f"{video_id}_{start_ms}_{end_ms}"


def write_manifest(path: Path, clips: Iterable[Clip]) -> None:
    """Write the clips of one shard as CSV."""
    write_text(path, cells_text(map(_cells, clips)))


def cells_text(rows: Iterable[Sequence[object]]) -> str:
    """A manifest from its cells, in the order of `COLUMNS`; for millions of rows."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return buffer.getvalue()


def read_manifest(path: Path) -> list[Clip]:
    """Read one shard's manifest.

    Raises:
        UserError: the header is not a manifest's, or a row is malformed.
    """
    with Path(path).open(encoding="utf-8", newline="") as handle:
        rows = csv.reader(handle)
        if tuple(next(rows, ())) != COLUMNS:
            raise UserError(f"{path} is not a manifest: its first line must be {','.join(COLUMNS)}")
        return [_parse(path, rows.line_num, row) for row in rows]


def _parse(path: Path, line: int, row: list[str]) -> Clip:
    try:
        name, video, start, end, *rest = row
        clip = Clip(name, video, int(start), int(end), *rest)
    except (ValueError, TypeError):
        raise UserError(f"{path}, line {line}: expected the columns {','.join(COLUMNS)}") from None
    if not VIDEO_ID.fullmatch(video) or name != clip_id(video, clip.start_ms, clip.end_ms):
        raise UserError(f"{path}, line {line}: malformed clip id {name[:80]!r}")
    return clip
