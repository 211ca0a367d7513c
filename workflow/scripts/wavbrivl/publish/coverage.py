"""A figure of the corpus: how many clips there are, why the others are missing, and in which classes."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from wavbrivl.publish.style import COLOURS, drawing, shortened

_FOUND = "#B9CFE0"
_CLASSES = 20
ByClass = dict[tuple[str, str], Counter[str]]


def coverage_figure(
    path: Path, report: dict[str, Any], by_class: dict[tuple[str, str], Counter[str]]
) -> None:
    """Draw found and missing clips of each split, and the classes that lack the largest share.

    Args:
        report: as `corpus.coverage.coverage_report` makes it.
        by_class: (split, label) to a count of each status.
    """
    shares = _least_covered(by_class)
    with drawing(path, 8.2, 0.55 * len(report["splits"]) + 0.19 * len(shares) + 2.4) as figure:
        heights = [0.55 * len(report["splits"]) + 0.9, 0.19 * max(len(shares), 1) + 0.9]
        top, bottom = figure.subplots(2, 1, height_ratios=heights)
        _splits(top, report)
        _classes(bottom, shares)


def _splits(axes: Axes, report: dict[str, Any]) -> None:
    by_split = report["splits"]
    causes = sorted(report["missing"])
    place = np.arange(len(by_split))
    found = np.array([counts["found"] for counts in by_split.values()])
    axes.barh(place, found, height=0.6, color=_FOUND, label="ok")
    reached = found.astype(float)
    for number, cause in enumerate(causes):
        missing = np.array([counts["missing"].get(cause, 0) for counts in by_split.values()])
        colour = COLOURS[1:][number % (len(COLOURS) - 1)]
        axes.barh(place, missing, left=reached, height=0.6, color=colour, label=cause)
        reached += missing
    for row, counts in enumerate(by_split.values()):
        text = f"{counts['found']} of {counts['expected']}"
        axes.annotate(text, (reached[row], row), (5, 0), textcoords="offset points", va="center")
    axes.set_yticks(place, list(by_split))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.14 * max(float(reached.max(initial=0)), 1.0))
    axes.grid(axis="y", visible=False)
    left = (report["leakage"] or {}).get("excluded_clips", 0)
    axes.set_xlabel(f"clips ({left} more left training: their video is in an evaluation set)")
    axes.set_title("Clips of the list: found, and missing by cause")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _classes(axes: Axes, shares: list[tuple[str, int, int]]) -> None:
    place = np.arange(len(shares))
    axes.barh(place, [found / expected for _, found, expected in shares], height=0.7, color=_FOUND)
    for row, (_, found, expected) in enumerate(shares):
        axes.annotate(
            f"{found}/{expected}", (found / expected, row), (3, 0), textcoords="offset points", va="center",
            fontsize=7,
        )  # fmt: skip
    axes.set_yticks(place, [shortened(label, 34) for label, _, _ in shares], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("share of its clips that is there, all splits")
    axes.set_title("The classes with the most missing")


def _least_covered(by_class: ByClass) -> list[tuple[str, int, int]]:
    """(label, found, expected) over all splits, the smallest share first, at most twenty."""
    totals: dict[str, Counter[str]] = {}
    for (_, label), counts in by_class.items():
        totals.setdefault(label, Counter()).update(counts)
    rows = [(label, counts["ok"], counts.total()) for label, counts in totals.items()]
    return sorted(rows, key=lambda row: (row[1] / row[2], row[0]))[:_CLASSES]
