"""ESC-50 in its publisher's layout: `meta/esc50.csv` and `audio/*.wav` (Piczak, 2015)."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import Benchmark, Clip, embed_benchmark
from wavbrivl.evaluate.classify import classify_folds
from wavbrivl.evaluate.encoders import Encoder
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.result import Result
from wavbrivl.evaluate.zero_shot import TextTower, zero_shot
from wavbrivl.labels.loader import label_file as label_file_of

HEADER = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
FOLDS = (1, 2, 3, 4, 5)

_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.wav")
_CATEGORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]*")


def read_esc50(folder: Path, dataset: str = "ESC-50") -> Benchmark:
    """Read the table of a folder in ESC-50's layout; sounds are opened later.

    Any number of classes and of clips in a fold will do, so ESC-10 and the embedded benchmark are
    read by the same rules; targets need not be contiguous.

    Raises:
        UserError: one sentence naming the file and the row: no table, another header, a malformed,
            duplicate or contradictory row, a fold that is not there.
    """
    table = Path(folder) / "meta" / "esc50.csv"
    rows = _rows(table)
    targets: dict[str, int] = {}
    clips = [_clip(table, line, row, targets, Path(folder)) for line, row in enumerate(rows, start=2)]
    _refuse_duplicates(table, clips)
    missing = sorted(set(FOLDS) - {clip.fold for clip in clips})
    if missing:
        raise UserError(f"{table}: no row has fold {missing[0]}, and all of 1 to 5 are needed")
    labels = tuple(sorted(targets, key=lambda label: targets[label]))
    return Benchmark(dataset, Path(folder), labels, tuple(clips))


def _rows(table: Path) -> list[list[str]]:
    try:
        with table.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle))
    except FileNotFoundError:
        raise UserError(f"{table}: there is no such file; ESC-50's layout has it") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table}: not a CSV file in UTF-8 ({error})") from None
    if not rows or rows[0] != HEADER:
        raise UserError(f"{table}: the header must be {','.join(HEADER)}")
    if len(rows) == 1:
        raise UserError(f"{table}: the table has no rows")
    return rows[1:]


def _clip(table: Path, line: int, row: Sequence[str], targets: dict[str, int], folder: Path) -> Clip:
    """Check one row; `targets` collects which number stands for which category."""
    where = f"{table}, line {line}"
    if len(row) != len(HEADER):
        raise UserError(f"{where}: {len(row)} columns instead of {len(HEADER)}")
    filename, fold, target, category, _, source, _ = row
    if not _FILENAME.fullmatch(filename):
        raise UserError(f"{where}: '{filename}' is not the name of a wav file")
    if fold not in {str(known) for known in FOLDS}:
        raise UserError(f"{where}: fold '{fold}' is not one of 1 to 5")
    if not _CATEGORY.fullmatch(category):
        raise UserError(f"{where}: '{category}' is not a category name")
    if not source:
        raise UserError(f"{where}: src_file is empty, so recordings cannot be told apart")
    _register(where, category, target, targets)
    return Clip(filename, folder / "audio" / filename, category, int(fold), source)


def _register(where: str, category: str, target: str, targets: dict[str, int]) -> None:
    if not re.fullmatch(r"[0-9]{1,4}", target):
        raise UserError(f"{where}: target '{target}' is not a class number")
    number = int(target)
    known = next((name for name, value in targets.items() if value == number), category)
    if targets.setdefault(category, number) != number or known != category:
        raise UserError(f"{where}: category '{category}' and target {number} contradict an earlier row")


def _refuse_duplicates(table: Path, clips: Sequence[Clip]) -> None:
    name, times = Counter(clip.name for clip in clips).most_common(1)[0]
    if times > 1:
        raise UserError(f"{table}: '{name}' stands in {times} rows")


def run_esc50(
    benchmark: Benchmark,
    encoder: Encoder,
    config: EvaluateConfig,
    seed: int,
    teacher: TextTower | None = None,
    label_file: Path | None = None,
) -> list[tuple[Result, Items]]:
    """Multi-class, and zero-shot where a teacher is given, on embeddings that are computed once.

    Args:
        benchmark: from `read_esc50`.
        teacher: the text tower; without it, or for an encoder without a projection into its space,
            there is no zero-shot result.
        label_file: translations `label,zh`; by default those of ESC-50 that come with the package.

    Returns:
        Tasks `esc50` and, where it applies, `esc50_zeroshot`.
    """
    embedded = embed_benchmark(benchmark, encoder, config.batch_size)
    outcomes = [classify_folds(embedded, "esc50", config, seed)]
    if teacher is not None and embedded.embedded.projection is not None:
        file = label_file or label_file_of("esc50")
        outcomes.append(zero_shot(embedded, teacher, file, "esc50_zeroshot", config, seed))
    return outcomes
