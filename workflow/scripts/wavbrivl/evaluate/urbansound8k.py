"""UrbanSound8K in its publisher's layout: `metadata/UrbanSound8K.csv` and `audio/fold1` to `fold10`.

Salamon, Jacoby and Bello, 2014. The ten folds are the publisher's and are never reshuffled: slices of
one recording share a fold, and other splits give far better numbers that mean nothing.
"""

import math
import re
from pathlib import Path

from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import Benchmark, Clip
from wavbrivl.evaluate.tables import Classes, checked_filename, checked_fold, read_rows, refuse_faulty

TABLE = "metadata/UrbanSound8K.csv"
HEADER = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]
FOLDS = tuple(range(1, 11))

_NAME = re.compile(r"([0-9]+)-([0-9]+)-[0-9]+-[0-9]+\.wav")


def read_urbansound8k(folder: Path, dataset: str = "UrbanSound8K") -> Benchmark:
    """Read the table of a folder in UrbanSound8K's layout; sounds are opened later.

    Raises:
        UserError: one sentence naming the file and the row: no table, another header, a malformed,
            duplicate or contradictory row, a slice that ends before it begins, a fold that is not there.
    """
    folder = Path(folder)
    classes = Classes()
    clips = [_clip(*row, classes, folder) for row in read_rows(folder / TABLE, HEADER, "UrbanSound8K")]
    refuse_faulty(folder / TABLE, clips, FOLDS)
    return Benchmark(dataset, folder, classes.labels(), tuple(clips))


def _clip(where: str, row: list[str], classes: Classes, folder: Path) -> Clip:
    filename, source, start, end, _, fold, target, category = row
    name, number = checked_filename(where, filename), checked_fold(where, fold, FOLDS)
    classes.add(where, category, target, "classID")
    said = _NAME.fullmatch(name)
    if said is None or said.groups() != (source, target):
        raise UserError(f"{where}: '{name}' is not the name of a slice of fsID {source}, classID {target}")
    if not _seconds(where, start) < _seconds(where, end):
        raise UserError(f"{where}: the slice ends at {end} s and begins at {start} s")
    return Clip(name, folder / "audio" / f"fold{number}" / name, category, number, source)


def _seconds(where: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UserError(f"{where}: '{text}' is not a time in seconds")
    return value
