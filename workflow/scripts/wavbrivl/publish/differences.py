"""Is the trained encoder better than a baseline? Paired differences on the same test items."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.evaluate.intervals import Difference
from wavbrivl.evaluate.items import ItemTables, compare
from wavbrivl.evaluate.places import TRAINED
from wavbrivl.files import write_text

SCORES = (
    *("accuracy", "mrr_audio_to_image", "mrr_image_to_audio"),
    *("segment_f1_files", "cider", "map_at_10_text_to_audio", "map_at_10_audio_to_text"),
)
"""Item scores that are compared, where a task has them."""


@dataclass(frozen=True)
class Comparison:
    """Trained encoder minus baseline in one score of one task."""

    task: str
    score: str
    against: str
    difference: Difference

    @property
    def above(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.difference.ci95 is not None and self.difference.ci95[0] > 0


def compare_all(tables: ItemTables, resamples: int, seed: int) -> list[Comparison]:
    """Compare the trained encoder with every other one that has items for the same task."""
    comparisons = []
    for (task, encoder), items in tables.items():
        trained = tables.get((task, TRAINED))
        if encoder == TRAINED or trained is None:
            continue
        for score in SCORES:
            if score in trained.scores and score in items.scores:
                difference = compare(trained, items, score, resamples, seed)
                comparisons.append(Comparison(task, score, encoder, difference))
    return comparisons


def write_differences(path: Path, comparisons: Iterable[Comparison]) -> None:
    """Write `task,score,trained,against,difference,ci95_low,ci95_high`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["task", "score", "trained", "against", "difference", "ci95_low", "ci95_high"])
    for one in comparisons:
        ends = [f"{end:.6g}" for end in one.difference.ci95] if one.difference.ci95 else ["", ""]
        writer.writerow([one.task, one.score, TRAINED, one.against, f"{one.difference.value:.6g}", *ends])
    write_text(path, text.getvalue())


def comparison_lines(comparisons: Iterable[Comparison]) -> str:
    """The comparisons as Markdown; empty where there are none."""
    lines = []
    for one in comparisons:
        line = f"- {one.task}, {one.score}, against {one.against}: {one.difference.value:+.3f}"
        if one.difference.ci95 is not None:
            line += f" [{one.difference.ci95[0]:+.3f}, {one.difference.ci95[1]:+.3f}]"
        lines.append(line)
    return "Trained encoder minus baseline, paired on the same items:\n\n" + "\n".join(lines) if lines else ""
