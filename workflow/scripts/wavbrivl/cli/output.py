"""What commands print: a table for people, or one JSON object a line for programs."""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def print_json(values: Mapping[str, Any]) -> None:
    """One object on one line."""
    print(json.dumps(values, ensure_ascii=False, allow_nan=False))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their widest cell; the last one is not padded."""
    table = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _width(text: str) -> int:
    """Columns in a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
