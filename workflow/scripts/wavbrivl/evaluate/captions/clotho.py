"""Clotho in its publishers' layout: `clotho_captions_<split>.csv` beside `<split>/*.wav` (version 2.1).

File names are taken as they stand: spaces at the front, double spaces, `#` and commas belong to them.
"""

import csv
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.errors import UserError
from wavbrivl.evaluate.sounds import Sound

logger = logging.getLogger("wavbrivl")

CAPTIONS = 5
HEADER = ["file_name", *(f"caption_{i}" for i in range(1, CAPTIONS + 1))]
METADATA_ENCODING = "iso-8859-1"
"""Of the metadata tables; the captions are UTF-8."""


@dataclass(frozen=True)
class Captioned:
    """A sound and what five people wrote about it."""

    sound: Sound
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Split:
    """One table with its sounds, in the order of the table."""

    name: str
    table: Path
    clips: tuple[Captioned, ...]

    @property
    def sounds(self) -> list[Sound]:
        return [clip.sound for clip in self.clips]


def read_split(folder: Path, name: str) -> Split:
    """Read the captions of one split; sounds are opened later.

    Raises:
        UserError: one sentence naming the file and the line: no table, another header, a malformed or
            duplicate row, an empty caption, a name that leads out of the folder; no folder of sounds.
    """
    table = Path(folder) / f"clotho_captions_{name}.csv"
    audio = Path(folder) / name
    rows = _rows(table)
    if not audio.is_dir():
        raise UserError(f"{audio}: there is no such folder, and {table.name} lists {len(rows)} sounds of it")
    recordings = _recordings(Path(folder) / f"clotho_metadata_{name}.csv")
    clips = []
    for line, row in enumerate(rows, start=2):
        filename = _filename(f"{table}, line {line}", row[0])
        sound = Sound(filename, audio / filename, recordings.get(filename, filename))
        clips.append(Captioned(sound, _captions(f"{table}, line {line}", row[1:])))
    name_, times = Counter(clip.sound.name for clip in clips).most_common(1)[0]
    if times > 1:
        raise UserError(f"{table}: '{name_}' stands in {times} rows")
    return Split(name, table, tuple(clips))


def _rows(table: Path) -> list[list[str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.reader(handle, strict=True))
    except FileNotFoundError:
        raise UserError(f"{table}: there is no such file; Clotho's layout has it") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table}: not a CSV file in UTF-8 ({error})") from None
    if not rows or rows[0] != HEADER:
        raise UserError(f"{table}: the header must be {','.join(HEADER)}")
    if len(rows) == 1:
        raise UserError(f"{table}: the table has no rows")
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(HEADER):
            raise UserError(f"{table}, line {line}: {len(row)} columns instead of {len(HEADER)}")
    return rows[1:]


def _filename(where: str, filename: str) -> str:
    outside = "/" in filename or "\\" in filename or "\0" in filename
    if outside or not filename.endswith(".wav") or filename == ".wav":
        raise UserError(f"{where}: '{filename}' is not the name of a wav file")
    return filename


def _captions(where: str, captions: Sequence[str]) -> tuple[str, ...]:
    for number, caption in enumerate(captions, start=1):
        if not caption.strip():
            raise UserError(f"{where}: caption_{number} is empty")
    return tuple(captions)


def _recordings(table: Path) -> dict[str, str]:
    """The Freesound recording of each file, where the metadata are there and know it."""
    if not table.is_file():
        logger.info("%s is not there: each sound counts as a recording of its own", table)
        return {}
    with table.open(encoding=METADATA_ENCODING, newline="") as handle:
        reader = csv.DictReader(handle)
        if not {"file_name", "sound_id"} <= set(reader.fieldnames or []):
            raise UserError(f"{table}: the columns file_name and sound_id are needed")
        found = {row["file_name"]: row["sound_id"] or "" for row in reader}
    return {name: identity for name, identity in found.items() if identity.strip().isdigit()}
