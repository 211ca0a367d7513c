"""When events sound and when they are detected, for a few recordings."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from wavbrivl.errors import UserError
from wavbrivl.publish.style import COLOURS, FAINT, INK, drawing, words

Event = tuple[float, float, str]
"""Onset and offset in seconds, and the label."""

Events = dict[str, dict[str, list[Event]]]
"""Events by encoder (or `reference`), then by file name."""

REFERENCE = "reference"
HEADER = ["encoder", "filename", "onset", "offset", "event_label"]
SHOWN = 6
COLUMNS = 2

_TITLE = 44


def read_events(path: Path) -> Events:
    """Read what `evaluate.events.run.write_events` wrote.

    Raises:
        UserError: naming the file where it is not such a table.
    """
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    if not rows or rows[0] != HEADER or any(len(row) != len(HEADER) for row in rows):
        raise UserError(f"{path}: not a table of events ({','.join(HEADER)})")
    events: Events = {}
    for encoder, filename, onset, offset, label in rows[1:]:
        found = events.setdefault(encoder, {}).setdefault(filename, [])
        found += [(float(onset), float(offset), label)] if label else []
    return events


def draw_events(path: Path, events: Events, encoder: str, seed: int) -> None:
    """Draw reference above detection, a row for each class that either has.

    Args:
        encoder: whose detections are shown.
        seed: draws the recordings; nothing is looked at but how many events they have.
    """
    shown = chosen(events[REFERENCE], seed)
    heights = [max(1, len(_labels(events, encoder, name))) for name in shown]
    rows = -(-len(shown) // COLUMNS)
    lines = [max(heights[COLUMNS * row : COLUMNS * (row + 1)]) for row in range(rows)]
    with drawing(path, 10, 0.9 + sum(0.27 * n + 0.75 for n in lines)) as figure:
        grid = figure.subplots(rows, COLUMNS, squeeze=False, height_ratios=[n + 1 for n in lines])
        for axes, name in zip(grid.ravel(), shown, strict=False):
            _timeline(axes, events, encoder, name)
        for axes in grid.ravel()[len(shown) :]:
            axes.set_axis_off()
        figure.supxlabel("seconds", fontsize=9)
        keys = [Patch(color=INK, label="reference"), Patch(color=COLOURS[0], label=f"detected on {encoder}")]
        figure.legend(handles=keys, loc="outside upper right", ncols=2)


def chosen(reference: dict[str, list[Event]], seed: int, shown: int = SHOWN) -> list[str]:
    """Draw recordings: one without events, where there is one, and others."""
    names = sorted(reference)
    order = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    silent = [name for name in order if not reference[name]][:1]
    busy = [name for name in order if reference[name]]
    return sorted((busy[: shown - len(silent)] + silent), key=order.index)


def _labels(events: Events, encoder: str, name: str) -> Sequence[str]:
    return sorted({label for who in (REFERENCE, encoder) for *_, label in events[who].get(name, [])})


def _timeline(axes: Axes, events: Events, encoder: str, name: str) -> None:
    labels = _labels(events, encoder, name)
    place = {label: i for i, label in enumerate(labels)}
    for who, colour, shift in ((REFERENCE, INK, -0.2), (encoder, COLOURS[0], 0.2)):
        for onset, offset, label in events[who].get(name, []):
            axes.barh(place[label] + shift, offset - onset, 0.32, left=onset, color=colour)
    axes.set_yticks(range(len(labels)), [words(label) for label in labels], fontsize=8)
    axes.set_ylim(max(len(labels), 1) - 0.5, -0.5)
    axes.set_xlim(0, _end(events, name))
    axes.grid(axis="y", visible=False)
    axes.set_title(name[:_TITLE], fontsize=8, fontweight="normal")
    if not labels:
        axes.text(0.5, 0.5, "no event, and none detected", color=FAINT, ha="center", va="center",
                  transform=axes.transAxes)  # fmt: skip


def _end(events: Events, name: str) -> float:
    """Where the axis ends: the last offset in any recording, so that all have one scale."""
    return max(
        (offset for files in events.values() for found in files.values() for _, offset, _ in found),
        default=10.0,
    )
