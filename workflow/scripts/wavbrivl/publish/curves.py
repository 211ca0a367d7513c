"""Loss curves from the training's metrics file."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from wavbrivl.errors import UserError
from wavbrivl.files import write_text
from wavbrivl.publish.style import COLOURS, INK, drawing

LOSSES = {
    "loss": "total",
    "loss_audio_space": "audio space: f(image), a",
    "loss_teacher_space": "teacher space: image, g(a)",
}
SPACES = {
    "loss_audio_space": ("audio_to_image", "image_to_audio"),
    "loss_teacher_space": ("projection_to_teacher", "teacher_to_projection"),
}
"""The two directions of each space, as training logs them under `parts`."""

VALIDATION = {"mrr_audio_to_image": "audio to image", "mrr_image_to_audio": "image to audio"}


def read_log(path: Path) -> list[dict[str, float]]:
    """Rows of `metrics.jsonl`.

    Raises:
        UserError: naming the line that is not a row with a step.
    """
    rows = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            row["step"] = int(row["step"])
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path}, line {number}: not a row of training metrics") from None
        rows.append(row | _spaces(row.get("parts", {})))
    if not rows:
        raise UserError(f"{path}: the training log is empty")
    return rows


def _spaces(parts: dict[str, float]) -> dict[str, float]:
    return {
        name: sum(parts[part] for part in directions)
        for name, directions in SPACES.items()
        if all(part in parts for part in directions)
    }


def loss_curves(path: Path, log: Path) -> None:
    """Draw losses, validation by retrieval, and the optimiser side by side."""
    rows = read_log(log)
    panels = [["loss", "validation", "rate"], ["loss", "validation", "norm"]]
    with drawing(path, 12, 3.6) as figure:
        axes = figure.subplot_mosaic(panels, width_ratios=[1.15, 1.15, 1])
        _losses(axes["loss"], rows)
        _validation(axes["validation"], rows)
        _learning_rate(axes["rate"], rows)
        _gradient_norm(axes["norm"], rows)
        for name in ("loss", "validation", "norm"):
            axes[name].set_xlabel("step")


def loss_table(path: Path, log: Path) -> None:
    """Write the losses as a table, for `dvc plots`: step, loss and its two terms."""
    names = ["step", *LOSSES]
    rows = [[row.get(name, "") for name in names] for row in read_log(log) if "loss" in row]
    lines = [",".join(map(str, line)) for line in (names, *rows)]
    write_text(path, "\n".join(lines) + "\n")


def _series(rows: Sequence[dict], key: str) -> tuple[np.ndarray, np.ndarray]:
    kept = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
    steps, values = zip(*kept, strict=True) if kept else ((), ())
    return np.array(steps), np.array(values, dtype=np.float64)


def smoothed(values: np.ndarray, span: int) -> np.ndarray:
    """Centred running mean over `span` values; at both ends over those that there are."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    start, end = np.maximum(place - span // 2, 0), np.minimum(place + span // 2 + 1, len(values))
    return (total[end] - total[start]) / (end - start)


def _losses(axes: Axes, rows: Sequence[dict]) -> None:
    axes.set_title("Training loss")
    for (key, label), colour in zip(LOSSES.items(), COLOURS, strict=False):
        steps, values = _series(rows, key)
        if len(values):
            _smooth_line(axes, steps, values, colour, label)
    axes.legend()


def _validation(axes: Axes, rows: Sequence[dict]) -> None:
    axes.set_title("Validation MRR, held-out clips")
    for (key, label), colour in zip(VALIDATION.items(), COLOURS, strict=False):
        steps, values = _series(rows, key)
        axes.plot(steps, values, "o-", color=colour, markersize=4, label=label)
    axes.set_ylim(bottom=0)
    axes.legend()


def _smooth_line(axes: Axes, steps: np.ndarray, values: np.ndarray, colour: str, label: str) -> None:
    axes.plot(steps, values, color=colour, alpha=0.2, linewidth=0.8)
    axes.plot(steps, smoothed(values, 1 + len(values) // 15), color=colour, label=label)


def _learning_rate(axes: Axes, rows: Sequence[dict]) -> None:
    steps, rates = _series(rows, "learning_rate")
    axes.set_title("Learning rate, thousandths")
    axes.plot(steps, 1000 * rates, color=INK)
    axes.set_ylim(bottom=0)
    axes.tick_params(labelbottom=False)


def _gradient_norm(axes: Axes, rows: Sequence[dict]) -> None:
    axes.set_title("Gradient norm")
    steps, norms = _series(rows, "gradient_norm")
    if len(norms):
        _smooth_line(axes, steps, norms, INK, "norm")
    axes.set_ylim(bottom=0)
