"""What the tables of labelled benchmarks have in common: a header, checked rows, numbered classes."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import Clip

_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.wav")
_CATEGORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]*")


def read_rows(table: Path, header: Sequence[str], layout: str) -> list[tuple[str, list[str]]]:
    """The rows of a CSV with this header, each with the words that name its place in messages.

    Raises:
        UserError: no file, no CSV in UTF-8, another header, no rows, or a row of another width.
    """
    try:
        with table.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle))
    except FileNotFoundError:
        raise UserError(f"{table}: there is no such file; {layout}'s layout has it") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table}: not a CSV file in UTF-8 ({error})") from None
    if not rows or rows[0] != list(header):
        raise UserError(f"{table}: the header must be {','.join(header)}")
    if len(rows) == 1:
        raise UserError(f"{table}: the table has no rows")
    placed = [(f"{table}, line {line}", row) for line, row in enumerate(rows[1:], start=2)]
    for where, row in placed:
        if len(row) != len(header):
            raise UserError(f"{where}: {len(row)} columns instead of {len(header)}")
    return placed


class Classes:
    """Which number stands for which category, as the rows say it."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._numbers: dict[str, int] = {}

    def add(self, where: str, category: str, number: str, column: str) -> None:
        """Take one row's word for it.

        Raises:
            UserError: a malformed category or number, or one that contradicts an earlier row.
        """
        if not _CATEGORY.fullmatch(category):
            raise UserError(f"{where}: '{category}' is not a category name")
        if not re.fullmatch(r"[0-9]{1,4}", number):
            raise UserError(f"{where}: {column} '{number}' is not a class number")
        value = int(number)
        known = self._numbers.setdefault(category, value), self._names.setdefault(value, category)
        if known != (value, category):
            raise UserError(f"{where}: category '{category}' and {column} {value} contradict an earlier row")

    def labels(self) -> tuple[str, ...]:
        """All categories in the order of their numbers, which need not be contiguous."""
        return tuple(self._names[number] for number in sorted(self._names))


def checked_filename(where: str, filename: str) -> str:
    """The name of a wav file without any folder.

    Raises:
        UserError: it is something else.
    """
    if not _FILENAME.fullmatch(filename):
        raise UserError(f"{where}: '{filename}' is not the name of a wav file")
    return filename


def checked_fold(where: str, fold: str, folds: Sequence[int]) -> int:
    """The number of an official fold.

    Raises:
        UserError: there is no such fold.
    """
    if fold not in {str(known) for known in folds}:
        raise UserError(f"{where}: fold '{fold}' is not one of {folds[0]} to {folds[-1]}")
    return int(fold)


def refuse_faulty(table: Path, clips: Sequence[Clip], folds: Sequence[int]) -> None:
    """Refuse duplicate rows, and tables in which a fold is not there.

    Raises:
        UserError: naming the sound, or the fold.
    """
    name, times = Counter(clip.name for clip in clips).most_common(1)[0]
    if times > 1:
        raise UserError(f"{table}: '{name}' stands in {times} rows")
    missing = sorted(set(folds) - {clip.fold for clip in clips})
    if missing:
        raise UserError(
            f"{table}: no row has fold {missing[0]}, and all of {folds[0]} to {folds[-1]} are needed"
        )
