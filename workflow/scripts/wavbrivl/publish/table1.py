"""The paper's Table 1: what it says of each task's data, beside what was measured on here."""

from collections.abc import Sequence
from pathlib import Path

from wavbrivl.files import write_text
from wavbrivl.publish.cells import NO_REASONS, Reasons, Results, not_in_run, of_task
from wavbrivl.publish.layout import TABLE1, TaskRow
from wavbrivl.publish.published import Published, published
from wavbrivl.publish.tables import DASH, csv_text, markdown_table

_HEADER = (
    ("dataset", "Dataset"),
    ("task", "Task"),
    ("metric", "Metric"),
    ("clips_published", "Clips (published)"),
    ("classes_published", "Classes (published)"),
    ("published_source", "Published in"),
    ("published_origin", "Whose numbers"),
    ("measured_as", "Measured as"),
    ("measured_on", "Measured on"),
    ("n", "n"),
    ("found", "Found"),
    ("expected", "Listed"),
    ("classes", "Classes"),
    ("note", "Note"),
)
"""Columns: in the CSV, and as a heading."""

_NO_CLASSES = "its sounds have no classes"


def write_table1(
    csv_path: Path,
    markdown_path: Path,
    results: Results,
    reasons: Reasons = NO_REASONS,
    rows: Sequence[TaskRow] = TABLE1,
) -> None:
    """Write Table 1, one line a task; a task that was not measured says why."""
    lines = [line for row in rows for line in _lines(row, results, reasons)]
    write_text(csv_path, csv_text([name for name, _ in _HEADER], lines))
    body = [[value if value != "" else DASH for value in line] for line in lines]
    titles = [title for _, title in _HEADER]
    write_text(markdown_path, f"## Table 1: tasks\n\n{markdown_table(titles, body)}\n")


def _lines(row: TaskRow, results: Results, reasons: Reasons) -> list[list[str]]:
    cells = {column: p for (t, name, column), p in published().items() if (t, name) == (1, row.published)}
    printed = [cells[key].printed if key in cells else "" for key in ("metric", "clips", "classes")]
    sources = "; ".join(dict.fromkeys(cell.source for cell in cells.values()))
    task = row.published.split(" ")[-1]
    known = [row.dataset, task, *printed, sources, _origins(cells)]
    return [[*known, name, *_measured(name, results, reasons)] for name in row.tasks]


def _measured(task: str, results: Results, reasons: Reasons) -> list[str]:
    """Dataset, n, found, listed, classes and a note on what is missing."""
    result = of_task(results, task)
    if result is None:
        return ["", "", "", "", "", reasons.tasks.get(task, not_in_run(task))]
    counts = [str(result.n), str(result.coverage.found), str(result.coverage.expected)]
    return [result.dataset, *counts, str(result.classes or ""), "" if result.classes else _NO_CLASSES]


def _origins(cells: dict[str, Published]) -> str:
    """Whose the numbers are, said once for those that have it in common."""
    by_origin: dict[str, list[str]] = {}
    for column, cell in cells.items():
        by_origin.setdefault(cell.origin, []).append(column)
    return "; ".join(f"{' and '.join(columns)}: {origin}" for origin, columns in by_origin.items())
