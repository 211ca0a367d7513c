"""Every number that the paper's Tables 1 to 4 print, with its place and its origin.

They are references, never results of this project, and never asserted. Several rows appear to be
reused from other papers; `origin` says which, and that nobody has verified it.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).parent / "published.csv"


@dataclass(frozen=True)
class Published:
    """One printed cell.

    Attributes:
        table: number of the table.
        row: the row as printed.
        column: our name for the column.
        printed: the cell as printed.
        value: the number, or None for a word.
        value_high: the upper end where a range is printed.
        source: table and row.
        origin: whose number it is.
    """

    table: int
    row: str
    column: str
    printed: str
    value: float | None
    value_high: float | None
    source: str
    origin: str


@lru_cache(maxsize=1)
def published() -> dict[tuple[int, str, str], Published]:
    """All cells by (table, row, column)."""
    with FILE.open(encoding="utf-8", newline="") as handle:
        cells = [_cell(row) for row in csv.DictReader(handle)]
    return {(cell.table, cell.row, cell.column): cell for cell in cells}


def _cell(row: dict[str, str]) -> Published:
    return Published(
        table=int(row["table"]),
        row=row["row"],
        column=row["column"],
        printed=row["printed"],
        value=float(row["value"]) if row["value"] else None,
        value_high=float(row["value_high"]) if row["value_high"] else None,
        source=row["source"],
        origin=row["origin"],
    )
