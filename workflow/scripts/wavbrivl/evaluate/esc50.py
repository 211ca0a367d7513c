"""ESC-50 in its publisher's layout: `meta/esc50.csv` and `audio/*.wav` (Piczak, 2015)."""

from pathlib import Path

from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import Benchmark, Clip
from wavbrivl.evaluate.tables import Classes, checked_filename, checked_fold, read_rows, refuse_faulty

TABLE = "meta/esc50.csv"
HEADER = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
FOLDS = (1, 2, 3, 4, 5)


def read_esc50(folder: Path, dataset: str = "ESC-50") -> Benchmark:
    """Read the table of a folder in ESC-50's layout; sounds are opened later.

    Any number of classes and of clips in a fold will do, so ESC-10 and the embedded benchmark are
    read by the same rules; targets need not be contiguous.

    Raises:
        UserError: one sentence naming the file and the row: no table, another header, a malformed,
            duplicate or contradictory row, a fold that is not there.
    """
    folder = Path(folder)
    classes = Classes()
    clips = [_clip(*row, classes, folder) for row in read_rows(folder / TABLE, HEADER, "ESC-50")]
    refuse_faulty(folder / TABLE, clips, FOLDS)
    return Benchmark(dataset, folder, classes.labels(), tuple(clips))


def _clip(where: str, row: list[str], classes: Classes, folder: Path) -> Clip:
    filename, fold, target, category, _, source, _ = row
    name, number = checked_filename(where, filename), checked_fold(where, fold, FOLDS)
    classes.add(where, category, target, "target")
    if not source:
        raise UserError(f"{where}: src_file is empty, so recordings cannot be told apart")
    return Clip(name, folder / "audio" / name, category, number, source)
