"""AudioSet's segment lists, as their publishers write them (Gemmeke et al., 2017).

Three lines that begin with `#`, then `id, start, end, "mid,mid,..."` with a space after each comma.
A reader that does not know of the space splits the quoted list into columns; copies that went through
a spreadsheet program are spoiled that way for good, and are refused.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from wavbrivl.corpus.clips import YOUTUBE_ID
from wavbrivl.corpus.rows import LABEL_SEPARATOR, ListRow, csv_rows, known_label, wrong
from wavbrivl.errors import UserError

HEADER_LINES = 3
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?")
_SPOILED = "a spreadsheet program has spoiled this copy; take the publisher's own file"


def read_audioset(path: Path, names: dict[str, str], split: str) -> Iterator[ListRow]:
    """Read a segments file; the names of a clip's labels stand in one column, `;` between them.

    Args:
        names: display name of each label's machine id (`read_names`).
        split: the split of all its clips (`split_of`).

    Raises:
        UserError: names the file and the line of the first row that is wrong.
    """
    labels: dict[str, str] = {}  # machine ids of a row as they stand there -> their names
    times: dict[str, int] = {}
    for line, (video, start, end, mids) in _segments(path):
        if mids not in labels:
            labels[mids] = _named(path, line, mids, names)
        begin, stop = times.get(start), times.get(end)
        if begin is None or stop is None:
            begin = times[start] = _milliseconds(path, line, start)
            stop = times[end] = _milliseconds(path, line, end)
        if begin >= stop:
            raise wrong(path, line, f"the segment ends at {end} s, before its start at {start} s")
        yield ListRow(line, video, begin, stop, labels[mids], split)


def read_audioset_ids(path: Path) -> Iterator[str]:
    """The video ids of a segments file."""
    return (row[0] for _, row in _segments(path))


def read_names(path: Path) -> dict[str, str]:
    """Display names by machine id, from `class_labels_indices.csv` (header `index,mid,display_name`).

    Raises:
        UserError: names the file and the line that is wrong.
    """
    rows = csv_rows(path)
    if next(rows, (1, []))[1] != ["index", "mid", "display_name"]:
        raise wrong(path, 1, "expected the columns index,mid,display_name")
    names: dict[str, str] = {}
    for line, row in rows:
        if len(row) != 3 or row[1] in names:
            raise wrong(path, line, f"expected a new index, mid and display name, found {str(row)[:80]}")
        names[row[1]] = known_label(path, line, row[2])
    return names


def split_of(path: Path, stated: Literal["train", "test"] | None) -> str:
    """The official split of a file: as stated, or by the publisher's file names.

    Raises:
        UserError: neither says it.
    """
    if stated:
        return stated
    if path.name.startswith("eval_segments"):
        return "test"
    if path.name.startswith(("balanced_train_segments", "unbalanced_train_segments")):
        return "train"
    raise UserError(
        f"corpus.clip_list: the name of {path} does not tell its split; "
        "write it as {path: ..., split: train} or {path: ..., split: test}"
    )


def _segments(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows of four columns behind the header, the video id checked."""
    with path.open(encoding="utf-8", newline="") as handle:
        head = [handle.readline() for _ in range(HEADER_LINES)]
    for number, text in enumerate(head, start=1):
        if not text.startswith("#") or text.rstrip().endswith(",,"):
            spoiled = text.startswith('"#') or ",," in text
            raise wrong(path, number, _SPOILED if spoiled else "an AudioSet list begins with three '#' lines")
    matches = YOUTUBE_ID.fullmatch
    for line, row in csv_rows(path, skip=HEADER_LINES, spaced=True):
        if len(row) != 4:
            said = _SPOILED if len(row) > 4 else "expected id, start, end and a quoted list of labels"
            raise wrong(path, line, f"found {len(row)} columns instead of 4: {said}")
        if not matches(row[0]):
            raise wrong(path, line, f"malformed video id {row[0][:80]!r}")
        yield line, row


def _named(path: Path, line: int, mids: str, names: dict[str, str]) -> str:
    parts = mids.split(",")
    unknown = next((mid for mid in parts if mid not in names), None)
    if unknown is not None:
        raise wrong(path, line, f"corpus.audioset_labels has no name for the label {unknown[:80]!r}")
    return LABEL_SEPARATOR.join(names[mid] for mid in parts)


def _milliseconds(path: Path, line: int, text: str) -> int:
    if not _SECONDS.fullmatch(text):
        raise wrong(path, line, f"expected seconds, got {text[:80]!r}")
    return round(float(text) * 1000)
