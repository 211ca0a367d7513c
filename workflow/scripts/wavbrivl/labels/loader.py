"""Words for labels, in the language that the teacher reads."""

import csv
from collections.abc import Sequence
from pathlib import Path

from wavbrivl.errors import UserError

FOLDER = Path(__file__).parent
SETS = ("esc50", "urbansound8k", "desed", "vggsound", "audioset", "vegas")
"""Label sets whose translations come with the package."""


def label_file(name: str) -> Path:
    """The translation file of a label set that comes with the package."""
    return FOLDER / f"{name}.csv"


def plain(label: str) -> str:
    """A label as words: underscores are spaces."""
    return " ".join(label.replace("_", " ").split())


def read_labels(path: Path) -> dict[str, str]:
    """Read a translation file `label,zh`.

    Returns:
        From labels as words to Chinese.

    Raises:
        UserError: naming the file and line of a wrong header, an empty cell or a repeated label.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file of label translations") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a CSV file in UTF-8 ({error})") from None
    if not rows or rows[0] != ["label", "zh"]:
        raise UserError(f"{path}: the header must be label,zh")
    words: dict[str, str] = {}
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != 2 or not all(cell.strip() for cell in row):
            raise UserError(f"{path}, line {line}: a label and its translation are needed")
        if plain(row[0]) in words:
            raise UserError(f"{path}, line {line}: the label '{row[0]}' stands there twice")
        words[plain(row[0])] = row[1].strip()
    return words


def words_for(labels: Sequence[str], language: str, path: Path) -> dict[str, str]:
    """Each label in words of the language: English as it is, Chinese from the translation file.

    Raises:
        UserError: naming the first label without a translation, and the file.
    """
    if language == "en":
        return {label: plain(label) for label in labels}
    known = read_labels(path)
    for label in labels:
        if plain(label) not in known:
            raise UserError(f"{path}: zero-shot in '{language}' needs a translation of the label '{label}'")
    return {label: known[plain(label)] for label in labels}
