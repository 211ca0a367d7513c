"""What one point of a grid search reached."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavbrivl.files import write_json

MRR = ("mrr_audio_to_image", "mrr_image_to_audio")


@dataclass(frozen=True)
class Outcome:
    """What a point reached: its best validation, or that it diverged before the first one.

    folder: its training. values: the keys that it sets. step: of the best validation. mrr: mean of
    both directions, by which points are compared. diverged: the sentence that training ended with.
    """

    folder: Path
    values: dict[str, Any]
    step: int | None
    mrr_audio_to_image: float | None
    mrr_image_to_audio: float | None
    diverged: str | None

    @property
    def mrr(self) -> float | None:
        """Mean of both directions, as training itself compares its validations."""
        if self.mrr_audio_to_image is None or self.mrr_image_to_audio is None:
            return None
        return (self.mrr_audio_to_image + self.mrr_image_to_audio) / 2

    def write(self, path: Path) -> None:
        """Name this point as the one to use, in a file beside the points' folders."""
        point = self.folder.resolve().relative_to(path.parent.resolve())
        write_json(path, {"point": str(point), "values": self.values, "step": self.step, "mrr": self.mrr})


def finish_point(folder: Path, values: Mapping[str, Any], diverged: str | None = None) -> None:
    """Write result.json of a point that was trained; a point without any weights gets an empty file.

    Args:
        folder: its training.
        values: the keys that the point sets.
        diverged: why it ended early, if it did: a row of the table then, not a failure of the search.
    """
    validations = [row for row in _rows(folder / "metrics.jsonl") if row["kind"] == "validation"]
    best = max(validations, key=lambda row: sum(row[name] for name in MRR), default={})
    (folder / "best.safetensors").touch()
    record = {"values": dict(values), "step": best.get("step"), **{name: best.get(name) for name in MRR}}
    write_json(folder / "result.json", {**record, "diverged": diverged})


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
