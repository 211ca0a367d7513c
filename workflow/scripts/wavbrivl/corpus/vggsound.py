"""VGG-Sound's clip lists, as their publishers write them."""

import re
from collections.abc import Iterator
from pathlib import Path

from wavbrivl.corpus.clips import YOUTUBE_ID
from wavbrivl.corpus.rows import ListRow, csv_rows, known_label, wrong

MAX_START_SECONDS = 1_000_000


_FILE_NAME = re.compile(r"([A-Za-z0-9_-]{11})_(\d{6})\.mp4")
_FILE_NAME_LENGTH = 22


def read_vggsound(path: Path, clip_seconds: float, split: str | None = None) -> Iterator[ListRow]:
    """Read VGG-Sound's headerless `id,start,label,split` (Chen et al., 2020); labels hold commas.

    The repository's `train.csv` and `test.csv` hold `<id>_<start>.mp4,label` instead: their split is the
    one given, or that of the file's name.

    Raises:
        UserError: names the file and the line of the first row that is wrong.
    """
    length = round(clip_seconds * 1000)
    matches = YOUTUBE_ID.fullmatch
    known: dict[str, str] = {}  # one object for each label: millions of rows share a few hundred
    splits = {"train": "train", "test": "test"}
    for line, row in csv_rows(path):
        if len(row[0]) == _FILE_NAME_LENGTH and (named := _FILE_NAME.fullmatch(row[0])):
            row = [named[1], named[2], ",".join(row[1:]), split or _split_of(path, line)]
        if len(row) != 4:
            raise wrong(path, line, f"expected 4 columns (id, start, label, split), found {len(row)}")
        video, start, label, part = row
        if not matches(video):
            raise wrong(path, line, f"malformed video id {video[:80]!r}")
        if not (start.isascii() and start.isdigit()) or int(start) > MAX_START_SECONDS:
            raise wrong(path, line, f"the start must be whole seconds, got {start[:80]!r}")
        if part not in splits:
            raise wrong(path, line, f"unknown split {part[:80]!r}, expected train or test")
        if label not in known:
            known[label] = known_label(path, line, label)
        begin = int(start) * 1000
        yield ListRow(line, video, begin, begin + length, known[label], splits[part])


def _split_of(path: Path, line: int) -> str:
    for split in ("train", "test"):
        if path.name.startswith(split):
            return split
    said = "the row gives no split, and neither does the file's name; write {path: ..., split: test}"
    raise wrong(path, line, f"{said} in corpus.clip_list")
