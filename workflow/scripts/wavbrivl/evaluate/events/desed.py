"""DESED in its publishers' layout: `metadata/<part>.tsv` beside `audio/<part>/*.wav` (DCASE 2021, task 4)."""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.config.events import PLACES
from wavbrivl.errors import UserError
from wavbrivl.evaluate.sounds import Sound

STRONG = ["filename", "onset", "offset", "event_label"]
WEAK = ["filename", "event_labels"]

_FILENAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._ -]*\.wav")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RECORDING = re.compile(r"Y?([A-Za-z0-9_-]{11})_[0-9]+(?:\.[0-9]+)?_[0-9]+(?:\.[0-9]+)?\.wav")


@dataclass(frozen=True)
class Event:
    """A class that sounds from onset to offset, in seconds."""

    label: str
    onset: float
    offset: float


@dataclass(frozen=True)
class Recording:
    """One file. `events` are its strong labels, empty where nothing happens; `labels` all its classes."""

    sound: Sound
    labels: frozenset[str]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Part:
    """One table with its files, in the order of the table; `duplicates` are rows that stood there twice."""

    name: str
    table: Path
    recordings: tuple[Recording, ...]
    duplicates: tuple[str, ...] = ()

    @property
    def labels(self) -> frozenset[str]:
        """Every class that occurs."""
        return frozenset().union(*(recording.labels for recording in self.recordings))


def read_part(folder: Path, name: str) -> Part:
    """Read the table of one part; sounds are opened later.

    A row that only names a file (three empty cells) is a file without events, and counts. A row that
    stands there twice counts once.

    Raises:
        UserError: one sentence naming the file and the line: no table, another header, a malformed or
            contradictory row.
    """
    table = Path(folder) / "metadata" / f"{PLACES[name]}.tsv"
    audio = Path(folder) / "audio" / PLACES[name]
    rows = _rows(table, WEAK if name == "weak" else STRONG)
    if not audio.is_dir():
        raise UserError(f"{audio}: there is no such folder, and {table.name} lists {len(rows)} rows of it")
    duplicates = []
    files: dict[str, list[Event]] = {}
    empty: dict[str, int] = {}
    seen = set()
    for line, row in enumerate(rows, start=2):
        where = f"{table}, line {line}"
        if tuple(row) in seen:
            duplicates.append(f"line {line}: {row[0]}")
            continue
        seen.add(tuple(row))
        events = files.setdefault(_filename(where, row[0]), [])
        found = _weak(where, row) if name == "weak" else _strong(where, row)
        if row[0] in empty or (events and not found) or (name == "weak" and events):
            raise UserError(f"{where}: '{row[0]}' already has a row that says something else")
        if not found:
            empty[row[0]] = line
        events += found
    recordings = tuple(_recording(audio, name, file, events) for file, events in files.items())
    return Part(name, table, recordings, tuple(duplicates))


def clamped(events: Sequence[Event], seconds: float) -> tuple[list[Event], int, int]:
    """Cut events to the length of their clip.

    Returns:
        The events, how many ended after the clip, and how many of these began after it and are gone.
    """
    late = [event for event in events if event.offset > seconds]
    beyond = sum(event.onset >= seconds for event in late)
    kept = [event for event in events if event.onset < seconds]
    return [Event(e.label, e.onset, min(e.offset, seconds)) for e in kept], len(late), beyond


def recording_of(filename: str) -> str:
    """The YouTube video that a recorded clip was cut from; a synthetic soundscape is its own recording."""
    named = _RECORDING.fullmatch(filename)
    return named.group(1) if named else filename


def _recording(audio: Path, part: str, filename: str, events: Sequence[Event]) -> Recording:
    sound = Sound(filename, audio / filename, recording_of(filename))
    labels = frozenset(event.label for event in events)
    return Recording(sound, labels, () if part == "weak" else tuple(events))


def _rows(table: Path, header: Sequence[str]) -> list[list[str]]:
    try:
        with table.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    except FileNotFoundError:
        raise UserError(f"{table}: there is no such file; DESED's layout has it") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table}: not a tab-separated file in UTF-8 ({error})") from None
    if not rows or rows[0] != list(header):
        raise UserError(f"{table}: the header must be {', '.join(header)}, separated by tabs")
    if len(rows) == 1:
        raise UserError(f"{table}: the table has no rows")
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise UserError(f"{table}, line {line}: {len(row)} columns instead of {len(header)}")
    return rows[1:]


def _filename(where: str, filename: str) -> str:
    if not _FILENAME.fullmatch(filename):
        raise UserError(f"{where}: '{filename}' is not the name of a wav file")
    return filename


def _weak(where: str, row: Sequence[str]) -> list[Event]:
    """Classes of a file without times; they become events of no length, which nobody scores."""
    return [Event(_label(where, label), 0.0, 0.0) for label in row[1].split(",")]


def _strong(where: str, row: Sequence[str]) -> list[Event]:
    if not any(row[1:]):
        return []
    onset, offset = _second(where, "onset", row[1]), _second(where, "offset", row[2])
    if offset <= onset:
        raise UserError(f"{where}: the event ends at {row[2]} s, which is not after its onset at {row[1]} s")
    return [Event(_label(where, row[3]), onset, offset)]


def _second(where: str, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise UserError(f"{where}: {column} '{text}' is not a time in seconds")
    return value


def _label(where: str, label: str) -> str:
    if not _LABEL.fullmatch(label):
        raise UserError(f"{where}: '{label}' is not an event label")
    return label
