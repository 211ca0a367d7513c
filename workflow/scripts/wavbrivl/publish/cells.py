"""One cell of a table: what was measured here, what was published, and why either is missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wavbrivl.errors import UserError
from wavbrivl.evaluate.kinds import SUPERVISED
from wavbrivl.evaluate.places import TRAINED
from wavbrivl.evaluate.result import Metric, Result, read_result
from wavbrivl.publish.layout import NO_ZERO_SHOT, NOT_SUPERVISED, Column, Row
from wavbrivl.publish.published import Published, published

Results = dict[tuple[str, str], Result]
"""Metrics files by (encoder, task)."""


@dataclass(frozen=True)
class Reasons:
    """Why there are no numbers, where that was known before any job ran: by encoder, and by task."""

    encoders: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)


NO_REASONS = Reasons()


@dataclass(frozen=True)
class Cell:
    """Measured and published, never mixed.

    Attributes:
        measured: the metric, or None with a `note`.
        result: the metrics file that it comes from.
        published: the paper's cell, or None where the paper has none.
        note: why nothing was measured; empty otherwise.
        metric: name of the metric.
    """

    measured: Metric | None
    result: Result | None
    published: Published | None
    note: str = ""
    metric: str = ""


def collect(paths: Iterable[Path]) -> Results:
    """Read metrics files.

    Raises:
        UserError: for a file that is not one, or two files for the same encoder and task.
    """
    results: Results = {}
    for path in paths:
        result = read_result(path)
        if (result.encoder, result.task) in results:
            raise UserError(f"{path}: a second metrics file of '{result.encoder}' for '{result.task}'")
        results[result.encoder, result.task] = result
    return results


def of_task(results: Results, task: str) -> Result | None:
    """What was measured in a task: the trained encoder's file, or else the first there is."""
    names = sorted((encoder != TRAINED, encoder) for encoder, measured in results if measured == task)
    return results[names[0][1], task] if names else None


def cell(results: Results, row: Row, column: Column, reasons: Reasons) -> Cell:
    """Look one cell up."""
    printed = published().get((2, row.published, column.key)) if row.published else None
    task = column.zero_shot if row.zero_shot else column.task
    result = results.get((row.encoder or "", task or ""))
    metric = result.metrics.get(column.metric) if result else None
    if metric is not None:
        return Cell(metric, result, printed, metric=column.metric)
    if result is not None:
        why = result.settings.get("absent", {}).get(column.metric, f"{task} has no {column.metric}")
        return Cell(None, result, printed, f"not measured: {why}")
    return Cell(None, None, printed, _why_not(results, row, task, reasons))


def not_in_run(task: str) -> str:
    """What a table says of a task that nobody measured."""
    return f"not measured: the task {task} is not part of this run"


def _why_not(results: Results, row: Row, task: str | None, reasons: Reasons) -> str:
    if row.encoder is None or not row.may_have(task):
        return row.absent
    if task is None:
        return NO_ZERO_SHOT
    if row.encoder in reasons.encoders:
        return reasons.encoders[row.encoder]
    if task in reasons.tasks:
        return reasons.tasks[task]
    if not any(known == task for _, known in results):
        return not_in_run(task)
    measured = any(encoder == row.encoder for encoder, _ in results)
    return NOT_SUPERVISED if row.encoder == SUPERVISED and measured else row.absent
