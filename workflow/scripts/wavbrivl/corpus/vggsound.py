"""VGG-Sound's clip list, as its publishers write it."""

from collections.abc import Iterator
from pathlib import Path

from wavbrivl.corpus.clips import YOUTUBE_ID
from wavbrivl.corpus.rows import ListRow, csv_rows, known_label, wrong

MAX_START_SECONDS = 1_000_000


def read_vggsound(path: Path, clip_seconds: float) -> Iterator[ListRow]:
    """Read VGG-Sound's headerless `id,start,label,split` (Chen et al., 2020); labels hold commas.

    Raises:
        UserError: names the file and the line of the first row that is wrong.
    """
    length = round(clip_seconds * 1000)
    matches = YOUTUBE_ID.fullmatch
    known: dict[str, str] = {}  # one object for each label: millions of rows share a few hundred
    splits = {"train": "train", "test": "test"}
    for line, row in csv_rows(path):
        if len(row) != 4:
            raise wrong(path, line, f"expected 4 columns (id, start, label, split), found {len(row)}")
        video, start, label, split = row
        if not matches(video):
            raise wrong(path, line, f"malformed video id {video[:80]!r}")
        if not (start.isascii() and start.isdigit()) or int(start) > MAX_START_SECONDS:
            raise wrong(path, line, f"the start must be whole seconds, got {start[:80]!r}")
        if split not in splits:
            raise wrong(path, line, f"unknown split {split[:80]!r}, expected train or test")
        if label not in known:
            known[label] = known_label(path, line, label)
        begin = int(start) * 1000
        yield ListRow(line, video, begin, begin + length, known[label], splits[split])
