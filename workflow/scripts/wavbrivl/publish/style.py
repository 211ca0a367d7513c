"""The common look of all figures. Only English text is drawn: a Chinese font is not guaranteed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wavbrivl.files import atomic

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F4F24", "#6A4C93", "#8A8D00",
           "#B5179E")  # fmt: skip
"""Distinct colours, the first six safe for colour-blind readers (Okabe and Ito)."""

INK = "#222222"
FAINT = "#9A9A9A"
GRID = "#E6E6E6"

_SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.dpi": 150,
}


@contextmanager
def drawing(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Give a figure of this size in inches; save it whole as PNG, the same bytes for the same content."""
    with matplotlib.rc_context(_SETTINGS):
        figure = pyplot.figure(figsize=(width, height), layout="constrained")
        try:
            yield figure
            with atomic(path) as temporary:
                figure.savefig(temporary, format="png", metadata={"Software": None})
        finally:
            pyplot.close(figure)


def bare(axes: Axes) -> None:
    """An image: no ticks, no grid."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)


def words(label: str) -> str:
    """A label as it is written in a figure: underscores are spaces; characters without a glyph are '?'."""
    return "".join(c if ord(c) < 0x250 else "?" for c in label.replace("_", " "))


def shortened(label: str, length: int) -> str:
    """A label in at most `length` characters, for places that are narrow."""
    text = words(label)
    return text if len(text) <= length else text[: length - 1].rstrip(" ,") + "…"
