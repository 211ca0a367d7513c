"""The paper's Table 2, measured and published in separate columns, as CSV and Markdown."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from wavbrivl.evaluate.result import FoldScores, Metric, Result
from wavbrivl.files import write_text
from wavbrivl.publish.cells import NO_REASONS, Cell, Reasons, Results, cell, of_task
from wavbrivl.publish.differences import Comparison, comparison_lines
from wavbrivl.publish.layout import (
    FURTHER_COLUMNS,
    TABLE2_COLUMNS,
    Column,
    Row,
    all_rows,
)
from wavbrivl.publish.published import published

DASH = "–"

_TABLE2_HEADER = (
    *("model", "column", "task", "metric", "measured", "ci95_low", "ci95_high", "chance", "class_only"),
    *("majority", "split", "fold_mean", "fold_spread", "n", "found", "expected", "dataset", "note"),
    *("remark", "published", "published_source", "published_origin"),
)


def write_table2(
    csv_path: Path,
    markdown_path: Path,
    results: Results,
    comparisons: Sequence[Comparison] = (),
    reasons: Reasons = NO_REASONS,
    columns: Sequence[Column] = TABLE2_COLUMNS,
    further: Sequence[Column] = FURTHER_COLUMNS,
) -> None:
    """Write Table 2: the CSV has one line a cell, the Markdown one row a model.

    Args:
        reasons: why encoders or tasks have no numbers.
        columns: the paper's.
        further: columns that the paper does not have, in a table of their own.
    """
    rows = all_rows([*(encoder for encoder, _ in results), *reasons.encoders])
    lines = [
        _cell_line(row, column, cell(results, row, column, reasons))
        for row in rows
        for column in (*columns, *further)
    ]
    write_text(csv_path, csv_text(_TABLE2_HEADER, lines))
    write_text(markdown_path, _table2_markdown(results, comparisons, reasons, rows, columns, further))


def measured_text(metric: Metric, digits: int = 3) -> str:
    """A value with its interval, such as `0.912 [0.880, 0.941]`."""
    text = f"{metric.value:.{digits}f}"
    if metric.ci95 is None:
        return text
    return f"{text} [{metric.ci95[0]:.{digits}f}, {metric.ci95[1]:.{digits}f}]"


def coverage_text(result: Result) -> str:
    """How much of the dataset a number stands on, such as `fold 1 of 5, n 49, 49 of 50 (1 unreadable)`."""
    coverage = result.coverage
    part = f"{result.split}, " if result.split.startswith("fold ") else ""
    text = f"{part}n {result.n}, {coverage.found} of {coverage.expected}"
    causes = ", ".join(f"{count} {cause}" for cause, count in coverage.missing.items() if count)
    return f"{text} ({causes})" if causes else text


def markdown_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(
        "| " + " | ".join(str(value).replace("|", "\\|") for value in row) + " |" for row in lines
    )


def _cell_line(row: Row, column: Column, found: Cell) -> list[str]:
    metric, result, printed = found.measured, found.result, found.published
    low, high = metric.ci95 if metric and metric.ci95 else ("", "")
    folds = _folds(found)
    return [
        row.title,
        column.title,
        result.task if result else (column.zero_shot or "" if row.zero_shot else column.task),
        column.metric,
        _number(metric.value if metric else None),
        _number(low),
        _number(high),
        _number(metric.chance if metric else None),
        _number(metric.class_only if metric else None),
        _number(metric.majority if metric else None),
        result.split if result else "",
        _number(folds.mean if folds else None),
        _number(folds.spread if folds else None),
        str(result.n) if result else "",
        str(result.coverage.found) if result else "",
        str(result.coverage.expected) if result else "",
        result.dataset if result else "",
        found.note,
        row.remark,
        printed.printed if printed else "",
        printed.source if printed else "",
        printed.origin if printed else "",
    ]


def _table2_markdown(
    results: Results,
    comparisons: Sequence[Comparison],
    reasons: Reasons,
    rows: Sequence[Row],
    columns: Sequence[Column],
    further: Sequence[Column],
) -> str:
    notes: dict[str, int] = {}
    titles, body = ["Model"], []
    for column in columns:
        titles += [f"{column.title}, measured", f"{column.title}, published"]
    for row in rows:
        if not any(row.may_have(column.task) for column in columns):
            continue
        line = [row.title]
        for column in columns:
            found = cell(results, row, column, reasons)
            line += [_measured_cell(found, notes), found.published.printed if found.published else DASH]
        body.append(line)
    parts = [
        "## Table 2: classification and retrieval",
        markdown_table(titles, body),
        "Measured: value [95 % interval]; mean and deviation over folds, where there are several; n, "
        "clips found of clips listed. Published: as printed in the paper, on its own data; the two are "
        "comparable only where the dataset below is the paper's.",
        "\n".join(f"- {row.title}: {row.remark}" for row in rows if row.remark),
        _further_table(results, reasons, rows, further, notes),
        "\n".join(f"[{number}] {note}" for note, number in notes.items()),
        _measured_on(results, (*columns, *further)),
        _asked(results, (*columns, *further)),
        comparison_lines(comparisons),
        _origins(rows),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _further_table(
    results: Results,
    reasons: Reasons,
    rows: Sequence[Row],
    columns: Sequence[Column],
    notes: dict[str, int],
) -> str:
    """Columns that the paper's table does not have: measured numbers only."""
    known = [row for row in rows if row.encoder]
    body = [
        [row.title, *(_measured_cell(cell(results, row, column, reasons), notes) for column in columns)]
        for row in known
    ]
    titles = ["Model", *(column.title for column in columns)]
    heading = "Measured beside them, without a published number in the paper:"
    return f"{heading}\n\n{markdown_table(titles, body)}" if columns else ""


def _measured_cell(found: Cell, notes: dict[str, int]) -> str:
    """The number with its n and coverage, or a dash that points to the note which says why."""
    if found.measured is None or found.result is None:
        return f"{DASH} [{notes.setdefault(found.note, len(notes) + 1)}]"
    folds = _folds(found)
    spread = f"; {len(folds.fold)} folds {folds.mean:.3f} ± {folds.spread:.3f}" if folds else ""
    return f"{measured_text(found.measured)}{spread}; {coverage_text(found.result)}"


def _folds(found: Cell) -> FoldScores | None:
    """The scores of the folds, where there are several."""
    scores = (found.result.folds or {}).get(found.metric) if found.measured and found.result else None
    return scores if scores and scores.spread is not None else None


def _measured_on(results: Results, columns: Sequence[Column]) -> str:
    """For each column that was measured: the dataset, chance, and what the class alone gives."""
    lines = []
    for column in columns:
        result = of_task(results, column.task)
        metric = result.metrics.get(column.metric) if result else None
        if result is None or metric is None:
            continue
        line = f"- {column.title}: {result.dataset}, {result.split}; {_compared_with(metric)}"
        lines.append(f"{line}; {result.intervals}")
    return "Measured on:\n\n" + "\n".join(lines) if lines else ""


def _compared_with(metric: Metric) -> str:
    """What knowing nothing, the most frequent class, or the class alone scores."""
    parts = [f"chance {_number(metric.chance, 4)}"]
    if metric.majority is not None:
        parts.append(f"the most frequent class said of everything {_number(metric.majority, 4)}")
    if metric.class_only is not None:
        parts.append(f"perfect knowledge of the class alone {metric.class_only:.4f}")
    return "; ".join(parts)


def _asked(results: Results, columns: Sequence[Column]) -> str:
    """For each zero-shot number: what the text tower was asked, and what knowing nothing scores."""
    lines = []
    for column in columns:
        result = of_task(results, column.zero_shot) if column.zero_shot else None
        metric = result.metrics.get(column.metric) if result else None
        if metric is None or result.prompts is None:
            continue
        prompts = result.prompts
        templates = ", ".join(f"`{template}`" for template in prompts.templates)
        count = len(prompts.labels) * len(prompts.templates)
        lines.append(
            f"- {column.title}: {result.dataset}, {result.split}; {count} prompts in '{prompts.language}', "
            f"{len(prompts.labels)} labels in {len(prompts.templates)} templates whose embeddings are "
            f"averaged: {templates}; {_compared_with(metric)}"
        )
    return "Zero-shot, asked in words:\n\n" + "\n".join(lines) if lines else ""


def _origins(rows: Sequence[Row]) -> str:
    """Whose the published numbers are."""
    lines = []
    for row in rows:
        cells = [p for (table, name, _), p in published().items() if table == 2 and name == row.published]
        if cells:
            lines.append(f"- {row.published}: {cells[0].source}; {cells[0].origin}")
    return "Published numbers:\n\n" + "\n".join(lines)


def _number(value: float | str | None, digits: int = 6) -> str:
    return f"{value:.{digits}g}" if isinstance(value, float) else ""


def csv_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A whole CSV file with LF line ends."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
