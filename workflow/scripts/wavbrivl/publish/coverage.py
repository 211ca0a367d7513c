"""A figure of the corpus: how many clips there are, and why the others are missing."""

from pathlib import Path
from typing import Any

import numpy as np

from wavbrivl.publish.style import COLOURS, drawing

_FOUND = "#B9CFE0"


def coverage_bars(path: Path, by_split: dict[str, dict[str, Any]]) -> None:
    """Draw found and missing clips of each split.

    Args:
        by_split: split to `{"expected", "found", "missing": {cause: n}}`, as `corpus.ledger.coverage`
            counts them.
    """
    splits = list(by_split)
    causes = sorted({cause for counts in by_split.values() for cause in counts["missing"]})
    found = np.array([by_split[split]["found"] for split in splits])
    with drawing(path, 8.2, 0.55 * len(splits) + 1.5) as figure:
        axes = figure.subplots()
        place = np.arange(len(splits))
        axes.barh(place, found, height=0.6, color=_FOUND, label="ok")
        reached = found.astype(float)
        for cause, colour in zip(causes, COLOURS[1:] * (1 + len(causes) // 9), strict=False):
            missing = np.array([by_split[split]["missing"].get(cause, 0) for split in splits])
            axes.barh(place, missing, left=reached, height=0.6, color=colour, label=cause)
            reached += missing
        for row, split in enumerate(splits):
            text = f"{found[row]} of {by_split[split]['expected']}"
            axes.annotate(text, (reached[row], row), (5, 0), textcoords="offset points", va="center")
        axes.set_yticks(place, splits)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.14 * max(float(reached.max()), 1.0))
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("clips")
        axes.set_title("Clips of the list: found, and missing by cause")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
