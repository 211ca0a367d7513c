"""The points of a grid search: what each reached on validation, and which one is used."""

import csv
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wavbrivl.errors import UserError
from wavbrivl.files import atomic, read_json, write_text
from wavbrivl.train.point import MRR, Outcome

logger = logging.getLogger("wavbrivl")
FILES = ("config.json", "metrics.jsonl", "best.safetensors")
"""What a training leaves that later stages read."""


def read_outcomes(paths: Sequence[Path]) -> list[Outcome]:
    """The outcomes in the order of their result.json files."""
    return [Outcome(folder=Path(path).parent, **read_json(path)) for path in paths]


def choose(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome with the best validation, the first of them where several are equal.

    Raises:
        UserError: no point has a validation.
    """
    scored = [outcome for outcome in outcomes if outcome.mrr is not None]
    if not scored:
        why = next((o.diverged for o in outcomes if o.diverged), "there are no validation clips")
        raise UserError(f"search.grid: none of {len(outcomes)} points can be chosen: {why}")
    return max(scored, key=lambda outcome: outcome.mrr)


def adopt(chosen: Path, training: Path) -> None:
    """Make the files of the point that `chosen` names those of the run, as if it had been trained alone.

    Args:
        chosen: what `Outcome.write` wrote.
        training: folder for the run's training.
    """
    record = read_json(chosen)
    for name in FILES:
        with atomic(training / name) as temporary:
            shutil.copyfile(chosen.parent / record["point"] / name, temporary)
    logger.info("search: %s gives the best validation, MRR %.3f", _words(record["values"]), record["mrr"])


def write_points(table: Path, text: Path, outcomes: Sequence[Outcome], chosen: Outcome) -> None:
    """Write all points, the best first, as CSV and as a Markdown table."""
    keys = list(chosen.values)
    ordered = sorted(outcomes, key=lambda o: -1 if o.mrr is None else o.mrr, reverse=True)
    names = [*keys, "mrr", *MRR, "step", "remark"]
    rows = [[*(json.dumps(o.values[key]) for key in keys), *_cells(o, chosen)] for o in ordered]
    with atomic(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
    lines = [names, ["---"] * len(names), *rows]
    write_text(text, "".join(f"| {' | '.join(line)} |\n" for line in lines))


def _cells(outcome: Outcome, chosen: Outcome) -> list[str]:
    scores = [outcome.mrr, outcome.mrr_audio_to_image, outcome.mrr_image_to_audio]
    remark = "chosen" if outcome is chosen else outcome.diverged or ""
    step = "" if outcome.step is None else str(outcome.step)
    return [*("" if score is None else f"{score:.4f}" for score in scores), step, remark]


def _words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in values.items())
