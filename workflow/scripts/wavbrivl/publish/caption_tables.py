"""Sample captions beside what people wrote, and every score on Clotho in one table."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.places import TRAINED
from wavbrivl.evaluate.result import Result
from wavbrivl.files import write_text
from wavbrivl.publish.cells import Results
from wavbrivl.publish.tables import DASH, markdown_table, measured_text

TASKS = ("clotho_captioning", "clotho_retrieval")
HEADER = ["file_name", "source", "caption"]
REFERENCE = "reference"
SHOWN = 8

_SCORES = ("task", "encoder", "metric", "value", "ci95_low", "ci95_high", "chance", "n", "note")


def write_samples(csv_path: Path, markdown_path: Path, captions: Path, seed: int, shown: int = SHOWN) -> None:
    """Write a few sounds: the captions that people wrote and each system's own.

    Args:
        captions: what `evaluate.captions.captioning.write_captions_table` wrote.
        seed: draws the sounds; nothing is looked at.

    Raises:
        UserError: naming the file where it is not such a table.
    """
    with captions.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    if not rows or rows[0] != HEADER or any(len(row) != len(HEADER) for row in rows):
        raise UserError(f"{captions}: not a table of captions ({','.join(HEADER)})")
    sounds: dict[str, list[tuple[str, str]]] = {}
    for name, source, caption in rows[1:]:
        sounds.setdefault(name, []).append((source, caption))
    names = list(sounds)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(names))[:shown])
    systems = [source for source, _ in sounds[names[0]] if source != REFERENCE] if names else []
    body = [[names[i], *_columns(sounds[names[i]], systems)] for i in drawn]
    titles = ["sound", "written by people", *systems]
    write_text(csv_path, _csv(titles, body))
    text = markdown_table(titles, [[cell.replace("\n", "<br>") for cell in row] for row in body])
    write_text(markdown_path, f"## Captions\n\n{text}\n")


def write_scores(csv_path: Path, markdown_path: Path, results: Results) -> None:
    """Write every metric of both tasks: a line a number in the CSV, a row a metric in Markdown."""
    lines = [line for task in TASKS for result in _of(results, task) for line in _lines(result)]
    write_text(csv_path, _csv(_SCORES, lines))
    parts = ["## Clotho", *(part for task in TASKS for part in _markdown(task, _of(results, task)))]
    write_text(markdown_path, "\n\n".join(parts) + "\n")


def _columns(rows: Sequence[tuple[str, str]], systems: Sequence[str]) -> list[str]:
    written = dict(row for row in rows if row[0] != REFERENCE)
    people = "\n".join(caption for source, caption in rows if source == REFERENCE)
    return [people, *(written.get(name, DASH) for name in systems)]


def _of(results: Results, task: str) -> list[Result]:
    """The metrics files of a task, the trained encoder's first."""
    found = [result for (_, measured), result in results.items() if measured == task]
    return sorted(found, key=lambda result: result.encoder != TRAINED)


def _lines(result: Result) -> list[list[str]]:
    lines = []
    for name, metric in result.metrics.items():
        low, high = metric.ci95 or (None, None)
        numbers = [_number(value) for value in (metric.value, low, high, metric.chance)]
        lines.append([result.task, result.encoder, name, *numbers, str(result.n), metric.reason or ""])
    for name, reason in result.settings.get("absent", {}).items():
        lines.append([result.task, result.encoder, name, "", "", "", "", str(result.n), reason])
    return lines


def _markdown(task: str, results: Sequence[Result]) -> list[str]:
    if not results:
        return [f"{task}: not part of this run."]
    names = list(dict.fromkeys(name for result in results for name in result.metrics))
    titles = [task, *(result.encoder for result in results), "chance"]
    body = []
    for name in names:
        found = [result.metrics.get(name) for result in results]
        chance = next((metric.chance for metric in found if metric), None)
        cells = [measured_text(metric) if metric else DASH for metric in found]
        body.append([name, *cells, DASH if chance is None else f"{chance:.3f}"])
    first = results[0]
    said = [f"Not measured: {name}: {why}." for name, why in first.settings.get("absent", {}).items()]
    notes = [f"{first.dataset}, {first.split}, n {first.n}: {first.protocol}; {first.intervals}.", *said]
    return [markdown_table(titles, body), "\n".join(f"- {note}" for note in notes)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _csv(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows(rows)
    return text.getvalue()
