"""Drawn pictures on disk: one array, one row a picture, how they came about, one grid to look at.

A folder of drawings holds `images.npy` (uint8 [n, side, side, 3] RGB), `rounds.npy` (the picture that stood
after each round, [rounds, n, side, side, 3]), `rows.csv` (the fields of `Drawn`), `trace.json` and
`grid.png`.
"""

import csv
import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from wavbrivl.errors import UserError
from wavbrivl.files import atomic, read_json, write_json, write_text
from wavbrivl.generate.conditions import Conditions

Trace = dict[str, Any]
"""How pictures came about, as JSON: settings, and for each row prompt, seed and scores by round."""

COLUMNS = 10
"""Pictures side by side in the grid."""
_GAP = 2
_LARGEST_GRID = 4096


@dataclass(frozen=True)
class Drawn:
    """One picture.

    Attributes:
        item: clip whose place the picture takes, or the name of a text.
        label: class of the item; no generator sees it.
        kind: what the generator was given: audio, text, image or unconditional.
        seed: that the picture was drawn with.
        score: cosine between the condition's vector and the picture in the teacher's space, or None.
        source: clip that was heard (or seen) instead, `item` itself in most studies, "" for none.
        source_label: class of the source.
        variant: what was done to the source, such as `gain=-20`, or "".
    """

    item: str
    label: str
    kind: str
    seed: int
    score: float | None
    source: str = ""
    source_label: str = ""
    variant: str = ""


FIELDS = tuple(field.name for field in dataclasses.fields(Drawn))


@dataclass(frozen=True)
class Drawings:
    """Pictures and what each of them is, in the same order.

    Attributes:
        images: uint8 [n, side, side, 3] RGB.
        rows: what they are, [n].
        rounds: the pictures that stood after each round, the last being `images`: uint8
            [rounds, n, side, side, 3]; one round where absent.

    Raises:
        ValueError: another shape or type, or another number of rows.
    """

    images: np.ndarray
    rows: list[Drawn]
    rounds: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = self.images.shape
        square = self.images.ndim == 4 and shape[1] == shape[2] and shape[3] == 3
        if self.images.dtype != np.uint8 or not square:
            raise ValueError(f"drawings must be uint8 [n, side, side, 3], got {self.images.dtype} {shape}")
        if len(self.rows) != len(self.images):
            raise ValueError(f"{len(self.images)} pictures need as many rows, got {len(self.rows)}")
        if self.rounds is not None and (self.rounds.dtype != np.uint8 or self.rounds.shape[1:] != shape):
            raise ValueError(f"rounds of {shape} must be uint8, got {self.rounds.dtype} {self.rounds.shape}")

    @property
    def side(self) -> int:
        """Pixels along an edge."""
        return self.images.shape[1]


def drawn_rows(conditions: Conditions, seed: int, scores: Sequence[float] | None) -> list[Drawn]:
    """The rows of pictures that were drawn from conditions, in their order."""
    heard = conditions.kind != "unconditional"
    return [
        Drawn(
            item=conditions.items[i],
            label=conditions.labels[i],
            kind=conditions.kind,
            seed=seed,
            score=None if scores is None else float(scores[i]),
            source=conditions.sources[i] if heard else "",
            source_label=conditions.source_labels[i] if heard else "",
            variant=conditions.variants[i],
        )
        for i in range(len(conditions))
    ]


def joined(parts: Sequence[Drawings]) -> Drawings:
    """Several drawings, of as many rounds each, one after the other."""
    rounds = [part.images[None] if part.rounds is None else part.rounds for part in parts]
    return Drawings(
        np.concatenate([part.images for part in parts]),
        [row for part in parts for row in part.rows],
        np.concatenate(rounds, axis=1),
    )


def write_drawings(folder: Path, drawings: Drawings, trace: Trace) -> None:
    """Write a folder of drawings; each file is whole or absent."""
    folder = Path(folder)
    rounds = drawings.images[None] if drawings.rounds is None else drawings.rounds
    for name, array in (("images", drawings.images), ("rounds", rounds)):
        with atomic(folder / f"{name}.npy") as temporary, temporary.open("wb") as handle:
            np.save(handle, array)
    write_text(folder / "rows.csv", _table(drawings.rows))
    write_json(folder / "trace.json", trace)
    with atomic(folder / "grid.png") as temporary:
        Image.fromarray(grid(drawings.images)).save(temporary, format="png")


def read_drawings(folder: Path) -> Drawings:
    """Read what `write_drawings` wrote.

    Raises:
        UserError: naming the file that is missing, damaged, or does not fit the other.
    """
    folder = Path(folder)
    images, rounds = (_read_array(folder / f"{name}.npy") for name in ("images", "rounds"))
    rows = _read_table(folder / "rows.csv")
    try:
        return Drawings(images, rows, rounds)
    except ValueError as error:
        raise UserError(f"{folder}: {error}") from None


def read_trace(folder: Path) -> Trace:
    """The trace beside the pictures."""
    return read_json(Path(folder) / "trace.json")


def grid(images: np.ndarray, columns: int = COLUMNS) -> np.ndarray:
    """Pictures side by side on white, row by row: uint8 [h, w, 3].

    Only as many as fit a picture of 4096 pixels' height are shown.
    """
    side = images.shape[1] if len(images) else 1
    step = side + _GAP
    shown = images[: max(1, _LARGEST_GRID // step) * columns]
    rows = max(1, -(-len(shown) // columns))
    sheet = np.full((rows * step + _GAP, columns * step + _GAP, 3), 255, dtype=np.uint8)
    for i, image in enumerate(shown):
        top, left = (place * step + _GAP for place in divmod(i, columns))
        sheet[top : top + side, left : left + side] = image
    return sheet


def _read_array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} cannot be read as an array of pictures ({error})") from None


def _table(rows: Sequence[Drawn]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for row in rows:
        values = dataclasses.asdict(row)
        values["score"] = "" if row.score is None else f"{row.score:.9g}"
        writer.writerow(values.values())
    return text.getvalue()


def _read_table(path: Path) -> list[Drawn]:
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a table of drawings ({error})") from None
    if not rows or tuple(rows[0]) != FIELDS:
        raise UserError(f"{path}: the header must be {','.join(FIELDS)}")
    return [_drawn(row, f"{path}, line {line}") for line, row in enumerate(rows[1:], start=2)]


def _drawn(row: Sequence[str], where: str) -> Drawn:
    if len(row) != len(FIELDS):
        raise UserError(f"{where}: {len(FIELDS)} cells are needed, there are {len(row)}")
    values: dict[str, Any] = dict(zip(FIELDS, row, strict=True))
    try:
        values["seed"] = int(values["seed"])
        values["score"] = float(values["score"]) if values["score"] else None
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    return Drawn(**values)
