"""What training writes down: metrics.jsonl, TensorBoard, and lines of progress."""

import json
import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from wavbrivl.files import write_text

logger = logging.getLogger("wavbrivl")


class Journal:
    """Rows of metrics, each a JSON line and a set of TensorBoard scalars.

    The rows are kept in the checkpoint too. Both files are written afresh from them when training
    starts or continues, so no step stands there twice, wherever a kill came.
    """

    def __init__(self, folder: Path, rows: list[str], steps: int, every: float = 5.0) -> None:
        """Open the journal.

        Args:
            folder: where metrics.jsonl and tensorboard/ go.
            rows: JSON lines to begin with, those of the steps that are done.
            steps: steps in all, for the time that is left.
            every: seconds between two lines of progress.
        """
        self.rows = rows
        self.steps = steps
        self.every = every
        self.started = self.last = time.monotonic()
        self.first_step: int | None = None
        write_text(folder / "metrics.jsonl", "".join(f"{row}\n" for row in rows))
        shutil.rmtree(folder / "tensorboard", ignore_errors=True)
        self.file = (folder / "metrics.jsonl").open("a", encoding="utf-8", newline="")
        self.board = SummaryWriter(str(folder / "tensorboard"))
        for row in rows:
            self._to_board(json.loads(row))

    def write(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Add a row: numbers, lists of numbers, or nested mappings of them.

        Args:
            kind: "train" or "validation".
            step: optimisation steps that are done.
            values: what was measured.
        """
        row = {"kind": kind, "step": step, **values}
        self.rows.append(json.dumps(row, allow_nan=False))
        self.file.write(self.rows[-1] + "\n")
        self.file.flush()
        self._to_board(row)

    def progress(self, step: int, loss: float) -> None:
        """Log where training is, every few seconds and at the end."""
        now = time.monotonic()
        if self.first_step is None:
            self.first_step, self.started = step, now
        if now - self.last < self.every and step < self.steps:
            return
        self.last = now
        rate = (step - self.first_step) / max(now - self.started, 1e-9)
        left = f", {(self.steps - step) / rate:.0f} s left" if rate and step < self.steps else ""
        logger.info("training: step %d of %d, loss %.3f%s", step, self.steps, loss, left)

    def close(self) -> None:
        """Flush and close both files."""
        self.file.close()
        self.board.close()

    def _to_board(self, row: Mapping[str, Any]) -> None:
        for name, value in _flat({k: v for k, v in row.items() if k not in ("kind", "step")}):
            self.board.add_scalar(f"{row['kind']}/{name}", value, row["step"])


class Silence:
    """The journal of a process that is not the first: nothing is written down twice."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def write(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Nothing."""

    def progress(self, step: int, loss: float) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for name, value in values.items():
        if isinstance(value, list):
            value = {str(i): v for i, v in enumerate(value)}
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}/")
        else:
            found.append((f"{prefix}{name}", value))
    return found
