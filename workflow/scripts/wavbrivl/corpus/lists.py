"""Readers of clip lists as their publishers write them, and the check of a whole list before any job."""

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from wavbrivl.config.corpus import CorpusConfig, WorldConfig
from wavbrivl.corpus.clips import VIDEO_ID, YOUTUBE_ID, clip_id
from wavbrivl.errors import UserError
from wavbrivl.files import read_json, sha256_of, write_json

SPLITS = ("train", "validation", "test")
CLIPS_PER_WORLD_VIDEO = 2.16  # on average; only the number of shards depends on it
MAX_LABEL = 200
MAX_START_SECONDS = 1_000_000

VERSIONS = {  # data lines of train and test -> the published list it is
    (183_971, 15_496): "VGG-Sound, 199,467 rows (website)",
    (183_730, 15_446): "VGG-Sound, 199,176 rows (repository)",
}


class ListRow(NamedTuple):
    """One row of a clip list; `line` is where it stands in the file."""

    line: int
    video_id: str
    start_ms: int
    end_ms: int
    label: str
    split: str
    caption_en: str = ""
    caption_zh: str = ""
    label_zh: str = ""
    path: str = ""


class ListSummary(NamedTuple):
    """What a checked list holds: official rows per split, shards per split, and which list it is."""

    rows: dict[str, int]
    shards: dict[str, int]
    version: str


def read_vggsound(path: Path, clip_seconds: float) -> Iterator[ListRow]:
    """Read VGG-Sound's headerless `id,start,label,split` (Chen et al., 2020); labels hold commas.

    Raises:
        UserError: names the file and the line of the first row that is wrong.
    """
    length = round(clip_seconds * 1000)
    matches = YOUTUBE_ID.fullmatch
    for line, row in _rows(path):
        if len(row) != 4:
            raise _wrong(path, line, f"expected 4 columns (id, start, label, split), found {len(row)}")
        video, start, label, split = row
        if not matches(video):
            raise _wrong(path, line, f"malformed video id {video[:80]!r}")
        if not (start.isascii() and start.isdigit()) or int(start) > MAX_START_SECONDS:
            raise _wrong(path, line, f"the start must be whole seconds, got {start[:80]!r}")
        if split not in ("train", "test"):
            raise _wrong(path, line, f"unknown split {split[:80]!r}, expected train or test")
        if not label or len(label) > MAX_LABEL or not label.isprintable():
            raise _wrong(path, line, f"malformed label {label[:80]!r}")
        begin = int(start) * 1000
        yield ListRow(line, video, begin, begin + length, label, split)


def read_world(path: Path, clip_seconds: float = 0.0) -> Iterator[ListRow]:
    """Read the embedded world's `clips.csv`, which has a header and gives both times."""
    names = (
        "video_id",
        "start_ms",
        "end_ms",
        "label",
        "split",
        "caption_en",
        "caption_zh",
        "label_zh",
        "path",
    )
    rows = _rows(path)
    _, header = next(rows, (1, []))
    if tuple(header) != names:
        raise _wrong(path, 1, f"expected the columns {','.join(names)}")
    for line, row in rows:
        if len(row) != len(names):
            raise _wrong(path, line, f"expected {len(names)} columns, found {len(row)}")
        video, start, end, label, split, *texts = row
        if not VIDEO_ID.fullmatch(video) or not start.isdigit() or not end.isdigit():
            raise _wrong(path, line, f"malformed row for {video[:80]!r}")
        yield ListRow(line, video, int(start), int(end), label, split, *texts)


def read_audioset_ids(path: Path) -> Iterator[str]:
    """Video ids of an AudioSet segments file: three `#` lines, comma and space as the separator."""
    with path.open(encoding="utf-8", newline="") as handle:
        rows = csv.reader((line for line in handle if not line.startswith("#")), skipinitialspace=True)
        for number, row in enumerate(rows, start=1):
            if len(row) != 4 or not YOUTUBE_ID.fullmatch(row[0]):
                raise UserError(f"{path}, data row {number}: expected id, start, end, labels")
            yield row[0]


def video_ids(path: Path) -> set[str]:
    """Video ids of an evaluation list, VGG-Sound's or AudioSet's, told apart by the first line."""
    with _existing(path).open(encoding="utf-8") as handle:
        first = handle.readline()
    if first.startswith("#"):
        return set(read_audioset_ids(path))
    return {row.video_id for row in read_vggsound(path, 1.0)}


READERS: dict[str, Callable[[Path, float], Iterator[ListRow]]] = {
    "vggsound": read_vggsound,
    "embedded": read_world,
}


def read_list(config: CorpusConfig, world: Path | None = None) -> list[ListRow]:
    """Read and check the whole list of a corpus, in file order, before any selection.

    Raises:
        UserError: a row is malformed, or two rows name the same clip.
    """
    path = (world / "clips.csv") if config.format == "embedded" and world else Path(config.clip_list or "")
    rows = list(READERS[config.format](_existing(path), config.clip_seconds))
    seen: dict[tuple[str, int, int], int] = {}
    for row in rows:
        first = seen.setdefault((row.video_id, row.start_ms, row.end_ms), row.line)
        if first != row.line:
            name = clip_id(row.video_id, row.start_ms, row.end_ms)
            raise _wrong(path, row.line, f"the same clip {name} as in line {first}")
    return rows


def selected(row: ListRow, config: CorpusConfig) -> bool:
    """Whether a row stays, by its class and its official split (the sample is drawn later)."""
    chosen = config.selection
    return (not chosen.classes or row.label in chosen.classes) and (
        not chosen.splits or row.split in chosen.splits
    )


def check_list(config: CorpusConfig, cache_dir: Path, world: WorldConfig | None = None) -> ListSummary:
    """Check the whole clip list before any job runs, and say how many shards each split has.

    The answer is cached under the file's path, size and time of change and the keys that matter.
    The embedded world's list does not exist yet: its numbers follow from `world`.

    Raises:
        UserError: names the file and the row, or the key.
    """
    if config.format == "embedded":
        return _expected_world(config, world or WorldConfig())
    path = _existing(Path(config.clip_list or ""))
    for extra in config.exclude_videos_in:
        _existing(Path(extra))
    state = path.stat()
    key = [
        str(path.resolve()), state.st_size, state.st_mtime_ns, config.format, config.clip_seconds,
        config.validation_fraction, config.clips_per_shard, config.selection.model_dump(),
    ]  # fmt: skip
    cache = cache_dir / f"list-{config.name}.json"
    if cache.exists():
        known = read_json(cache)
        if known["key"] == key:
            return ListSummary(**known["summary"])
    summary = _count(config)
    write_json(cache, {"key": key, "summary": summary._asdict()})
    return summary


def shard_names(summary: ListSummary) -> dict[str, list[str]]:
    """Names of the shards of each split: `train-00000`, ..."""
    return {split: [f"{split}-{i:05d}" for i in range(n)] for split, n in summary.shards.items()}


def list_version(path: Path, rows: list[ListRow]) -> str:
    """Which published list this is, by its counts, with the checksum of the file."""
    counts = Counter(row.split for row in rows)
    known = VERSIONS.get((counts["train"], counts["test"]), f"{len(rows)} rows")
    return f"{known}, sha256 {sha256_of(path)}"


def _count(config: CorpusConfig) -> ListSummary:
    rows = read_list(config)
    unknown = set(config.selection.classes) - {row.label for row in rows}
    if unknown:
        raise UserError(
            f"corpus.selection.classes: no row of {config.clip_list} has the label {min(unknown)!r}"
        )
    kept = Counter(row.split for row in rows if selected(row, config))
    if not kept:
        raise UserError(f"{config.clip_list}: corpus.selection leaves no clip")
    train, test = kept["train"], kept["test"]
    if config.selection.sample is not None:
        total = train + test
        share = min(1.0, config.selection.sample / total)
        train, test = math.ceil(train * share), math.ceil(test * share)
    shards = _shards(config, train, test)
    return ListSummary(dict(kept), shards, list_version(Path(config.clip_list or ""), rows))


def _expected_world(config: CorpusConfig, world: WorldConfig) -> ListSummary:
    train = round(world.train_videos * CLIPS_PER_WORLD_VIDEO)
    test = round(world.test_videos * CLIPS_PER_WORLD_VIDEO)
    shards = _shards(config, train, test)
    return ListSummary({"train": train, "test": test}, shards, "embedded world")


def _shards(config: CorpusConfig, train: int, test: int) -> dict[str, int]:
    """Shards per split from the official counts; none for a split that must be empty."""
    held_out = train * config.validation_fraction
    expected = {"train": train - held_out, "validation": held_out, "test": float(test)}
    return {split: math.ceil(n / config.clips_per_shard) if n > 0 else 0 for split, n in expected.items()}


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.reader(handle, strict=True)
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError) as error:
            raise _wrong(path, reader.line_num + 1, str(error)) from None


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise UserError(f"{path}: the clip list does not exist")
    return path


def _wrong(path: Path, line: int, what: str) -> UserError:
    return UserError(f"{path}, line {line}: {what}")
