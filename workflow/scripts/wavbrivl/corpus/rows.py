"""One row of a clip list, and the sentence for a row that is wrong."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wavbrivl.errors import UserError

MAX_LABEL = 200
_COMMANDS = frozenset("`$;&|<>\\{}*")  # what a shell would act upon
_OPENING = frozenset("'\"(‘“「《（")
LABEL_SEPARATOR = ";"
"""Between the names of a clip that has several labels, in the one label column."""


class ListRow(NamedTuple):
    """One row of a clip list; `line` is where it stands in its file."""

    line: int
    video_id: str
    start_ms: int
    end_ms: int
    label: str
    split: str
    caption_en: str = ""
    caption_zh: str = ""
    label_zh: str = ""
    path: str = ""


def labels_of(label: str) -> list[str]:
    """The single labels of a label column; none where it is empty."""
    return label.split(LABEL_SEPARATOR) if label else []


def label_trouble(label: str) -> str | None:
    """What is wrong with a label, in words for the end of a sentence, or None.

    No published label set has what is refused here, and whoever wrote it may have meant a file name, an
    option or a command. A label is only ever data in this pipeline; in what others make of it, who knows.
    """
    if not label.strip():
        return "it is empty"
    if len(label) > MAX_LABEL:
        return f"it has {len(label)} characters, more than {MAX_LABEL}"
    if not label.isprintable():
        return "it holds control characters"
    if bad := sorted(set(label) & _COMMANDS):
        return f"it holds {bad[0]!r}"
    if not (label[0].isalnum() or label[0] in _OPENING):
        return "it does not begin with a letter, a digit, a quote or a parenthesis"
    return "it holds '..' as a part of a path" if ".." in label.split("/") else None


def known_label(path: Path, line: int, label: str) -> str:
    """The label, if nothing is wrong with it.

    Raises:
        UserError: names the file, the line and the label.
    """
    if trouble := label_trouble(label):
        raise wrong(path, line, f"malformed label {label[:80]!r}: {trouble}")
    return label


def csv_rows(path: Path, skip: int = 0, spaced: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file with their line numbers, empty lines left out.

    Args:
        skip: lines at the beginning that are no rows.
        spaced: a space follows each comma.

    Raises:
        UserError: names the file and the line of what is no CSV in UTF-8.
    """
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.reader(handle, strict=True, skipinitialspace=spaced)
        try:
            for _ in range(skip):
                handle.readline()
            for row in reader:
                if row:
                    yield reader.line_num + skip, row
        except (csv.Error, UnicodeDecodeError) as error:
            raise wrong(path, reader.line_num + skip + 1, str(error)) from None


def existing(path: Path) -> Path:
    """The path, if there is such a file."""
    if not path.is_file():
        raise UserError(f"{path}: the clip list does not exist")
    return path


def wrong(path: Path, line: int, what: str) -> UserError:
    """The error for a line of a list."""
    return UserError(f"{path}, line {line}: {what}")
