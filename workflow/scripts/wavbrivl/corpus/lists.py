"""The clip list of a corpus: all of its files as one, and the check of every row before any job."""

import gc
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from wavbrivl.config.corpus import CorpusConfig, ListFile, VegasConfig, WorldConfig
from wavbrivl.corpus.audioset import read_audioset, read_audioset_ids, read_names, split_of
from wavbrivl.corpus.clips import VIDEO_ID
from wavbrivl.corpus.rows import ListRow, csv_rows, existing, labels_of, wrong
from wavbrivl.corpus.vegas import COLUMNS as VEGAS_COLUMNS
from wavbrivl.corpus.vegas import info_file, read_vegas
from wavbrivl.corpus.vggsound import read_vggsound
from wavbrivl.corpus.videos import list_videos, read_videos
from wavbrivl.errors import UserError
from wavbrivl.files import read_json, sha256_of, write_json

SPLITS = ("train", "validation", "test")
CLIPS_PER_WORLD_VIDEO = 2.16  # on average; only the number of shards depends on it
WORLD_COLUMNS = (
    "video_id", "start_ms", "end_ms", "label", "split", "caption_en", "caption_zh", "label_zh", "path"
)  # fmt: skip

VERSIONS = {  # format, rows of train and of test -> the published list it is
    ("vggsound", 183_971, 15_496): "VGG-Sound, 199,467 rows (website)",
    ("vggsound", 183_730, 15_446): "VGG-Sound, 199,176 rows (repository)",
    ("vggsound", 183_730, 0): "VGG-Sound, train.csv of the repository, 183,730 rows",
    ("vggsound", 0, 15_446): "VGG-Sound, test.csv of the repository, 15,446 rows",
    ("audioset", 0, 20_371): "AudioSet eval, 20,371 rows",
    ("audioset", 22_160, 0): "AudioSet balanced train, 22,160 rows",
    ("audioset", 2_041_789, 0): "AudioSet unbalanced train, 2,041,789 rows",
}


class ListSummary(NamedTuple):
    """What a checked list holds: official rows per split, shards per split, and which list it is.

    Attributes:
        labels: the labels of the clips that are selected, sorted; none where no list says them beforehand.
    """

    rows: dict[str, int]
    shards: dict[str, int]
    version: str
    labels: Sequence[str] = ()


class ClipList(NamedTuple):
    """A whole list: its rows in order, each clip once, and what its files are.

    Attributes:
        repeated: rows of later files whose clip an earlier file has already.
    """

    rows: list[ListRow]
    version: str
    repeated: int


def list_paths(config: CorpusConfig, cache_dir: Path, world: Path) -> list[Path]:
    """The files that hold the list, in order.

    Args:
        cache_dir: where the table of your own videos is kept.
        world: folder of the embedded world.
    """
    if config.format == "embedded":
        return [world / "clips.csv"]
    if config.format == "videos":
        return [cache_dir / f"videos-{config.name}.csv"]
    if config.format == "vegas":
        return [info_file(Path(config.sources[0].vegas_root), name) for name in config.vegas.classes]
    return [Path(file.path) for file in config.clip_list]


def read_world(path: Path) -> Iterator[ListRow]:
    """Read the embedded world's `clips.csv`, which has a header and gives both times."""
    rows = csv_rows(path)
    _, header = next(rows, (1, []))
    if tuple(header) != WORLD_COLUMNS:
        raise wrong(path, 1, f"expected the columns {','.join(WORLD_COLUMNS)}")
    for line, row in rows:
        if len(row) != len(WORLD_COLUMNS):
            raise wrong(path, line, f"expected {len(WORLD_COLUMNS)} columns, found {len(row)}")
        video, start, end, label, split, *texts = row
        if not VIDEO_ID.fullmatch(video) or not start.isdigit() or not end.isdigit():
            raise wrong(path, line, f"malformed row for {video[:80]!r}")
        yield ListRow(line, video, int(start), int(end), label, split, *texts)


def video_ids(path: Path) -> set[str]:
    """Video ids of an evaluation list, VGG-Sound's, AudioSet's or VEGAS's, told apart by the first line."""
    with existing(path).open(encoding="utf-8") as handle:
        first = handle.readline()
    if first.startswith("#"):
        return set(read_audioset_ids(path))
    if set(VEGAS_COLUMNS) <= set(first.strip().split(",")):
        return {row.video_id for row in read_vegas(path, VegasConfig())}
    return {row.video_id for row in read_vggsound(path, 1.0, "test")}


def read_list(config: CorpusConfig, paths: list[Path]) -> ClipList:
    """Read and check the whole list of a corpus, in file order, before any selection.

    A clip that two files name is kept once, with the first one's label; it is a test clip if any of
    them tests it.

    Args:
        paths: the files (`list_paths`).

    Raises:
        UserError: a row is malformed, or two rows of a file name the same clip.
    """
    with without_collection():
        return _merge(config, paths)


def _merge(config: CorpusConfig, paths: list[Path]) -> ClipList:
    rows: list[ListRow] = []
    places: dict[str, int] = {}
    versions = []
    repeated = 0
    for path, reader in zip(paths, _readers(config, paths), strict=True):
        first = len(rows)
        counts: Counter[str] = Counter()
        for row in reader:
            name = f"{row.video_id}_{row.start_ms}_{row.end_ms}"
            place = places.setdefault(name, len(rows))
            counts[row.split] += 1
            if place == len(rows):
                rows.append(row)
            elif place >= first:
                said = f"the same clip {name} as in line {rows[place].line}"
                raise wrong(path, row.line, said)
            else:
                repeated += 1
                if row.split == "test":
                    rows[place] = rows[place]._replace(split="test")
        versions.append(_version(config, path, len(versions), counts))
    return ClipList(rows, "; ".join(versions), repeated)


@contextmanager
def without_collection() -> Iterator[None]:
    """Millions of rows hold no cycle: looking for one again and again costs a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def selected(rows: list[ListRow], config: CorpusConfig) -> list[ListRow]:
    """The rows that stay, by class and official split (the sample is drawn later)."""
    classes, splits = set(config.selection.classes), set(config.selection.splits)
    if splits:
        rows = [row for row in rows if row.split in splits]
    if classes:
        rows = [row for row in rows if not classes.isdisjoint(labels_of(row.label))]
    return rows


def check_list(config: CorpusConfig, cache_dir: Path, world: WorldConfig | None = None) -> ListSummary:
    """Check the whole clip list before any job runs, and say how many shards each split has.

    The answer is cached under the files' paths, sizes and times of change and the keys that matter.
    The embedded world's list does not exist yet: its numbers follow from `world`.

    Raises:
        UserError: names the file and the row, or the key.
    """
    if config.format == "embedded":
        return _expected_world(config, world or WorldConfig())
    if config.format == "vegas" and not config.sources[0].path:
        return _expected_vegas(config, world or WorldConfig())
    paths = list_paths(config, cache_dir, Path())
    if config.format == "videos":
        list_videos(Path(config.sources[0].path or ""), paths[0])
    named = [Path(config.audioset_labels)] if config.audioset_labels else []
    key = [
        [_state(existing(path)) for path in [*paths, *named]],
        _deciding(config),
        list(ListSummary._fields),
    ]
    for extra in config.exclude_videos_in:
        existing(Path(extra))
    cache = cache_dir / f"list-{config.name}.json"
    if cache.exists():
        known = read_json(cache)
        if known["key"] == key:
            return ListSummary(**known["summary"])
    summary = _count(config, paths)
    write_json(cache, {"key": key, "summary": summary._asdict()})
    return summary


def shard_names(summary: ListSummary) -> dict[str, list[str]]:
    """Names of the shards of each split: `train-00000`, ..."""
    return {split: [f"{split}-{i:05d}" for i in range(n)] for split, n in summary.shards.items()}


def label_counts(rows: list[ListRow]) -> Counter[str]:
    """How many clips have each single label."""
    counts: Counter[str] = Counter()
    for label, n in Counter(row.label for row in rows).items():
        for name in labels_of(label):
            counts[name] += n
    return counts


def _readers(config: CorpusConfig, paths: list[Path]) -> Iterator[Iterator[ListRow]]:
    if config.format == "embedded":
        yield read_world(existing(paths[0]))
    elif config.format == "videos":
        yield read_videos(paths[0], config)
    elif config.format == "vegas":
        yield from (read_vegas(path, config.vegas) for path in paths)
    for file, path in zip(config.clip_list, paths, strict=False):
        yield _read_file(file, existing(path), config)


def _read_file(file: ListFile, path: Path, config: CorpusConfig) -> Iterator[ListRow]:
    if file.format == "vggsound":
        return read_vggsound(path, config.clip_seconds, file.split)
    names = read_names(existing(Path(config.audioset_labels or "")))
    return read_audioset(path, names, split_of(path, file.split))


def _version(config: CorpusConfig, path: Path, number: int, counts: Counter[str]) -> str:
    """Which published list this is, by its counts, with the checksum of the file."""
    written = config.clip_list[number].format if config.clip_list else config.format
    known = VERSIONS.get((written, counts["train"], counts["test"]), f"{counts.total()} rows")
    return f"{known}, sha256 {sha256_of(path)}"


def _state(path: Path) -> list[Any]:
    state = path.stat()
    return [str(path.resolve()), state.st_size, state.st_mtime_ns]


def _deciding(config: CorpusConfig) -> dict[str, Any]:
    """The keys that the answer of `check_list` depends on."""
    names = {
        "format",
        "clip_list",
        "videos",
        "vegas",
        "clip_seconds",
        "validation_fraction",
        "clips_per_shard",
        "selection",
    }
    return config.model_dump(mode="json", include=names)


def _count(config: CorpusConfig, paths: list[Path]) -> ListSummary:
    listed = read_list(config, paths)
    unknown = set(config.selection.classes) - set(
        label_counts(listed.rows) if config.selection.classes else ()
    )
    if unknown:
        raise UserError(f"corpus.selection.classes: no row of {paths[0]} has the label {min(unknown)!r}")
    chosen = selected(listed.rows, config)
    kept = Counter(row.split for row in chosen)
    if not kept:
        raise UserError(f"{paths[0]}: corpus.selection leaves no clip")
    sample = config.selection.sample
    train, test = kept["train"], kept["test"]
    if sample is not None:
        if sample > train + test:
            raise UserError(
                f"corpus.selection.sample: {sample} clips are asked for, and the list has {train + test}"
            )
        train, test = (math.ceil(n * sample / (train + test)) for n in (train, test))
    # A sample is drawn later, and may leave the clips of a label out.
    labels = sorted(label_counts(chosen)) if sample is None else []
    return ListSummary(dict(kept), _shards(config, train, test), listed.version, labels)


def _expected_world(config: CorpusConfig, world: WorldConfig) -> ListSummary:
    train = round(world.train_videos * CLIPS_PER_WORLD_VIDEO)
    test = round(world.test_videos * CLIPS_PER_WORLD_VIDEO)
    shards = _shards(config, train, test)
    return ListSummary({"train": train, "test": test}, shards, "embedded world")


def _expected_vegas(config: CorpusConfig, world: WorldConfig) -> ListSummary:
    """What the embedded clips in VEGAS's layout come to; their tables are written later."""
    clips = world.vegas_clips_per_class * len(config.vegas.classes)
    test = round(clips * config.vegas.test_fraction)
    shards = _shards(config, clips - test, test)
    return ListSummary({"train": clips - test, "test": test}, shards, "embedded clips in VEGAS's layout")


def _shards(config: CorpusConfig, train: int, test: int) -> dict[str, int]:
    """Shards per split from the official counts; none for a split that must be empty."""
    held_out = train * config.validation_fraction
    expected = {"train": train - held_out, "validation": held_out, "test": float(test)}
    return {split: math.ceil(n / config.clips_per_shard) if n > 0 else 0 for split, n in expected.items()}
