"""VEGAS as its publishers lay it out: folders of cut clips, and which seconds of which videos they are."""

import math
from collections.abc import Iterator
from pathlib import Path

from wavbrivl.config.corpus import VegasConfig
from wavbrivl.corpus.clips import YOUTUBE_ID, unit_hash
from wavbrivl.corpus.rows import ListRow, csv_rows, existing, known_label, wrong
from wavbrivl.labels.loader import label_file, plain, read_labels

COLUMNS = ("YTID", "start_second", "end_second")
MAX_SECONDS = 1_000_000


def info_file(root: Path, name: str) -> Path:
    """The table of one class."""
    return root / name / "video_info.csv"


def read_vegas(table: Path, config: VegasConfig) -> Iterator[ListRow]:
    """Read the table of one class; the label is the folder's name.

    A clip that stands in the table twice is one clip. The publishers give no split: a clip is a test clip
    where `test_list` names it or, without such a list, by a hash of its video's id.

    Raises:
        UserError: names the file and the line of the first row that is wrong.
    """
    label = known_label(table, 1, table.parent.name)
    label_zh = read_labels(label_file("vegas")).get(plain(label), "")
    tested = read_test_list(Path(config.test_list)) if config.test_list else None
    seen: set[tuple[str, int, int]] = set()
    for number, line, video, start, end in _rows(table):
        if (video, start, end) in seen:
            continue
        seen.add((video, start, end))
        if tested is None:
            test = unit_hash("vegas test", video) < config.test_fraction
        else:
            test = f"{label}/video_{number:05d}" in tested
        path = f"{label}/videos/video_{number:05d}.mp4"
        split = "test" if test else "train"
        yield ListRow(line, video, start, end, label, split, label_zh=label_zh, path=path)


def read_test_list(path: Path) -> set[str]:
    """A list of test clips, one a line, such as `dog/video_01933`.

    Raises:
        UserError: the file is not there, or a line is written otherwise.
    """
    names = set()
    for line, row in csv_rows(existing(path)):
        if len(row) != 1 or row[0].count("/video_") != 1 or not row[0][-5:].isdigit():
            raise wrong(path, line, f"expected a clip such as dog/video_01933, found {','.join(row)[:80]!r}")
        names.add(row[0])
    return names


def _rows(table: Path) -> Iterator[tuple[int, int, str, int, int]]:
    """Number, line, video id, start and end in ms of each row."""
    rows = csv_rows(existing(table))
    _, header = next(rows, (1, []))
    if not set(COLUMNS) <= set(header):
        raise wrong(table, 1, f"expected the columns {','.join(COLUMNS)}")
    places = [header.index(name) for name in COLUMNS]
    for number, (line, row) in enumerate(rows, start=first_number(table)):
        if len(row) != len(header):
            raise wrong(table, line, f"expected {len(header)} columns, found {len(row)}")
        video, start, end = (row[place] for place in places)
        if not YOUTUBE_ID.fullmatch(video):
            raise wrong(table, line, f"malformed video id {video[:80]!r}")
        begin, stop = (_milliseconds(table, line, text) for text in (start, end))
        if stop <= begin:
            raise wrong(table, line, f"the clip ends at {end[:20]!r}, before it begins")
        yield number, line, video, begin, stop


def first_number(table: Path) -> int:
    """The number of the first row's video: 0 where there is such a file, else 1."""
    return 0 if (table.parent / "videos" / "video_00000.mp4").exists() else 1


def _milliseconds(table: Path, line: int, text: str) -> int:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= MAX_SECONDS:
        raise wrong(table, line, f"a time must be seconds, got {text[:80]!r}")
    return round(seconds * 1000)
