"""What each single test item scored: the ground of paired comparisons and confusion matrices."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.intervals import Difference, paired_difference
from wavbrivl.files import write_text

_FIXED = ["task", "encoder", "item", "group", "fold", "label", "predicted"]


@dataclass(frozen=True)
class Items:
    """Scores of test items, in the order of the dataset.

    Attributes:
        item: unique names, [n].
        group: source recordings, [n].
        label: true labels, [n].
        scores: metric name to values, each [n]; their mean over items is the metric.
        fold: the fold in which each item was tested, [n], or None.
        predicted: predicted labels, [n], or None.
    """

    item: Sequence[str]
    group: Sequence[str]
    label: Sequence[str]
    scores: dict[str, np.ndarray]
    fold: Sequence[int] | None = None
    predicted: Sequence[str] | None = None


ItemTables = dict[tuple[str, str], Items]
"""Items by (task, encoder)."""


def write_items(path: Path, tables: Mapping[tuple[str, str], Items]) -> None:
    """Write one CSV: task, encoder, item, group, fold, label, predicted, and a column for each score."""
    names = sorted({name for items in tables.values() for name in items.scores})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_FIXED + names)
    for (task, encoder), items in tables.items():
        writer.writerows([task, encoder, *row] for row in _rows(items, names))
    write_text(path, text.getvalue())


def read_items(paths: Iterable[Path]) -> ItemTables:
    """Read what `write_items` wrote, from any number of files.

    Raises:
        UserError: naming the file where it is not such a table.
    """
    tables: ItemTables = {}
    for path in paths:
        with Path(path).open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle))
        if not rows or rows[0][: len(_FIXED)] != _FIXED or any(len(row) != len(rows[0]) for row in rows):
            raise UserError(f"{path}: not a table of test items ({','.join(_FIXED)},...)")
        for key in dict.fromkeys((row[0], row[1]) for row in rows[1:]):
            tables[key] = _items(rows[0], [row for row in rows[1:] if (row[0], row[1]) == key])
    return tables


def compare(first: Items, second: Items, score: str, resamples: int, seed: int) -> Difference:
    """Paired difference `first - second` of one score on the items that both have.

    Raises:
        UserError: where they share no item.
    """
    place = {name: i for i, name in enumerate(second.item)}
    kept = [i for i, name in enumerate(first.item) if name in place]
    if not kept:
        raise UserError(f"two encoders share no test item, so '{score}' cannot be compared")
    other = [place[first.item[i]] for i in kept]
    groups = [first.group[i] for i in kept]
    return paired_difference(first.scores[score][kept], second.scores[score][other], groups, resamples, seed)


def _rows(items: Items, names: Sequence[str]) -> Iterable[tuple]:
    empty = [""] * len(items.item)
    columns = [items.item, items.group, items.fold or empty, items.label, items.predicted or empty]
    for name in names:
        values = items.scores.get(name)
        columns.append(empty if values is None else [f"{value:.12g}" for value in values])
    return zip(*columns, strict=True)


def _items(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Items:
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    scores = [name for name in header[len(_FIXED) :] if columns[name][0]]
    return Items(
        item=columns["item"],
        group=columns["group"],
        label=columns["label"],
        scores={name: np.array(columns[name], dtype=np.float64) for name in scores},
        fold=[int(fold) for fold in columns["fold"]] if columns["fold"][0] else None,
        predicted=columns["predicted"] if columns["predicted"][0] else None,
    )
