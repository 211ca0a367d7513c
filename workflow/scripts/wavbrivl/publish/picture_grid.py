"""Pictures side by side with words around them: the frame of all study figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from wavbrivl.publish.style import FAINT, INK, bare, drawing, shortened

CELL = 0.95
"""Inches along the edge of a picture."""
_LEFT = 1.25


@dataclass(frozen=True)
class PictureRow:
    """One row: what it is, and a picture or None for each column, with words below each."""

    title: str
    images: Sequence[np.ndarray | None]
    captions: Sequence[str] = ()


def picture_grid(
    path: Path, blocks: Sequence[tuple[Sequence[str], Sequence[PictureRow]]], title: str, note: str = ""
) -> None:
    """Draw blocks of rows, one below the other.

    Args:
        blocks: for each, the headings of the columns and the rows.
        note: a line below, such as what is absent and why.
    """
    columns = max(len(headings) for headings, _ in blocks)
    heights = [0.45 + sum(_height(row) for row in rows) for _, rows in blocks]
    with drawing(path, _LEFT + CELL * columns, sum(heights) + (0.75 if note else 0.45)) as figure:
        parts = figure.subfigures(len(blocks), 1, height_ratios=heights, squeeze=False)[:, 0]
        for part, (headings, rows) in zip(parts, blocks, strict=True):
            draw_block(part, headings, rows)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        if note:
            figure.supxlabel(note, fontsize=8, color=FAINT)


def draw_block(part: Figure | SubFigure, headings: Sequence[str], rows: Sequence[PictureRow]) -> None:
    """Draw one block of rows into a figure or a part of one."""
    grid = part.subplots(
        len(rows), len(headings), squeeze=False, height_ratios=[_height(row) for row in rows]
    )
    for axes_row, row in zip(grid, rows, strict=True):
        for place, axes in enumerate(axes_row):
            _picture(axes, row.images[place] if place < len(row.images) else None)
            if place < len(row.captions):
                axes.set_xlabel(shortened(row.captions[place], 20), fontsize=6.5, color=INK, labelpad=2)
        axes_row[0].set_ylabel(
            row.title, rotation=0, ha="right", va="center", fontsize=8, color=INK, labelpad=6
        )
    for axes, heading in zip(grid[0], headings, strict=True):
        axes.set_title(_wrapped(heading), fontsize=7, fontweight="normal", loc="center")


def _picture(axes: Axes, image: np.ndarray | None) -> None:
    bare(axes)
    axes.spines[:].set_visible(False)
    if image is None:
        axes.text(0.5, 0.5, "–", ha="center", va="center", color=FAINT, transform=axes.transAxes)
        axes.set_box_aspect(1)
    else:
        axes.imshow(image, interpolation="nearest")


def _height(row: PictureRow) -> float:
    return CELL + (0.16 if row.captions else 0.0)


def _wrapped(heading: str) -> str:
    """A heading in two lines at most."""
    words = shortened(heading, 26).split(" ")
    middle = (len(words) + 1) // 2 if len(heading) > 12 else len(words)
    return "\n".join(line for line in (" ".join(words[:middle]), " ".join(words[middle:])) if line)
