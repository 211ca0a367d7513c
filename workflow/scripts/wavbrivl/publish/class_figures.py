"""Figures of classification: which classes are confused, and how well each is known."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from wavbrivl.evaluate.items import Items
from wavbrivl.publish.style import COLOURS, FAINT, INK, drawing, words

_ANNOTATED = 12
_NAMED = 60
"""Beyond so many classes, names would need metres: the matrix goes without, the bars show both ends."""


def confusion_matrix(path: Path, items: Items, labels: Sequence[str], title: str) -> None:
    """Draw how often each class (row) is called each class (column), as a share of the row.

    Labels that were only ever predicted are added at the end.
    """
    labels = [*labels, *sorted(set(items.predicted or []) - set(labels))]
    share = confusion(items, labels)
    size = max(4.6, 0.22 * len(labels) + 2.4) if len(labels) <= _NAMED else 9.0
    with drawing(path, size + 0.7, size) as figure:
        axes = figure.subplots()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        figure.colorbar(image, ax=axes, shrink=0.75, label="share of the class")
        if len(labels) <= _NAMED:
            _name_both_axes(axes, labels)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.grid(False)
        axes.spines[:].set_visible(False)
        axes.set_title(f"{title}, n = {len(items.item)}")
        if len(labels) <= _ANNOTATED:
            _write_shares(axes, share)


def confusion(items: Items, labels: Sequence[str]) -> np.ndarray:
    """Shares, [true class, predicted class]; a class without items is a row of zeros."""
    place = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)))
    for label, predicted in zip(items.label, items.predicted or [], strict=True):
        counts[place[label], place[predicted]] += 1
    total = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)


def class_bars(
    path: Path, by_encoder: dict[str, Items], score: str, title: str, chance: float | None = None
) -> None:
    """Draw one score for each class: a bar for the first encoder, a mark for each of the others."""
    first, *others = by_encoder
    name_of_score = "average precision" if score == "map" else score.replace("_", " ")
    title = f"{title}, {name_of_score} by class"
    means = {name: class_means(items, score) for name, items in by_encoder.items()}
    labels = sorted(means[first], key=lambda label: (means[first][label], label))
    if len(labels) > _NAMED:
        half = _NAMED // 2
        title = f"{title}: the {half} lowest and {half} highest of {len(labels)} classes"
        labels = [*labels[:half], *labels[-half:]]
    with drawing(path, 7.6, 0.26 * len(labels) + 1.9) as figure:
        axes = figure.subplots()
        place = np.arange(len(labels))
        values = [means[first][label] for label in labels]
        axes.barh(place, values, height=0.66, color=COLOURS[0], alpha=0.85,
                  label=f"{first}, n {len(by_encoder[first].item)}")  # fmt: skip
        looks = zip(cycle(COLOURS[1:]), cycle("Dov^sP"), strict=False)
        for name, (colour, marker) in zip(others, looks, strict=False):
            marks = [means[name].get(label, np.nan) for label in labels]
            axes.scatter(marks, place, s=26, marker=marker, color=colour, edgecolor="white", linewidth=0.6,
                         zorder=3, label=f"{name}, n {len(by_encoder[name].item)}")  # fmt: skip
        if chance is not None:
            axes.axvline(chance, color=INK, linewidth=1, linestyle=":", label=f"chance {chance:.3g}")
        _finish_bars(axes, labels, title, name_of_score)


def class_means(items: Items, score: str) -> dict[str, float]:
    """Mean of a score over the items of each class."""
    labels, values = np.asarray(items.label), items.scores[score]
    return {str(label): float(values[labels == label].mean()) for label in np.unique(labels)}


def _finish_bars(axes: Axes, labels: Sequence[str], title: str, score: str) -> None:
    axes.set_yticks(range(len(labels)), [words(label) for label in labels])
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlim(0, 1.02)
    axes.set_xlabel(score)
    axes.grid(axis="y", visible=False)
    axes.set_title(title)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _name_both_axes(axes: Axes, labels: Sequence[str]) -> None:
    names, small = [words(label) for label in labels], 8 if len(labels) <= 20 else 6
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=small)
    axes.set_yticks(range(len(names)), names, fontsize=small)


def _write_shares(axes: Axes, share: np.ndarray) -> None:
    for row, column in zip(*np.nonzero(share >= 0.005), strict=True):
        value = share[row, column]
        colour = "white" if value > 0.55 else (INK if row == column or value >= 0.1 else FAINT)
        axes.text(column, row, f"{value:.2f}".lstrip("0"), ha="center", va="center", fontsize=7, color=colour)
