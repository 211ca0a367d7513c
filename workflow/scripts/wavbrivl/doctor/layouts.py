"""One check a dataset: its tables against its files, and both against the publisher's counts."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from wavbrivl.audio.files import stream_audio
from wavbrivl.corpus.clip_files import SUFFIXES, names_of
from wavbrivl.corpus.registry import find_version
from wavbrivl.corpus.vggsound import read_vggsound
from wavbrivl.errors import UserError
from wavbrivl.findings import Finding

CLOTHO = ("development", "validation", "evaluation")
VEGAS = (
    "baby_cry", "chainsaw", "dog", "drum", "fireworks", "helicopter", "printer", "rail_transport", "snoring",
    "water_flowing",
)  # fmt: skip
OPENED = 12
"""Files, evenly spaced, that are really opened: reading all would take as long as using them."""


def esc50(folder: Path) -> Iterator[Finding]:
    """`meta/esc50.csv` and `audio/*.wav`."""
    from wavbrivl.evaluate.esc50 import read_esc50

    try:
        benchmark = read_esc50(folder)
    except UserError as error:
        yield Finding("ESC-50", "failed", str(error))
        return
    yield _count("ESC-50", "rows in meta/esc50.csv", len(benchmark.clips), _published("ESC-50", "rows"))
    yield from _files("ESC-50", [clip.path for clip in benchmark.clips])


def urbansound8k(folder: Path) -> Iterator[Finding]:
    """`metadata/UrbanSound8K.csv` and `audio/fold1` to `fold10`."""
    yield from _from_table(
        "UrbanSound8K",
        folder / "metadata" / "UrbanSound8K.csv",
        ("slice_file_name", "fold", "classID"),
        ",",
        lambda row: folder / "audio" / f"fold{row['fold']}" / str(row["slice_file_name"]),
        _published("UrbanSound8K", "rows"),
    )


def desed(folder: Path) -> Iterator[Finding]:
    """`metadata/<split>.tsv` and `audio/<split>/`, at the top or below `dataset/`."""
    root = folder / "dataset" if (folder / "dataset").is_dir() else folder
    published = {"eval/public": 692, "validation/validation": 1168}
    for split, count in published.items():
        table = root / "metadata" / f"{split}.tsv"
        if not table.is_file():
            yield Finding("DESED", "absent", f"{table} is missing, so the split {split} cannot be used")
            continue
        place = _first_folder(root / "audio" / split, root / "audio" / Path(split).parent)
        yield from _from_table(
            "DESED",
            table,
            ("filename",),
            "\t",
            lambda row, place=place: place / str(row["filename"]),
            count,
            each=True,
        )


def clotho(folder: Path) -> Iterator[Finding]:
    """`clotho_captions_<split>.csv` and `<split>/*.wav`."""
    for split in CLOTHO:
        table = folder / f"clotho_captions_{split}.csv"
        if not table.is_file():
            yield Finding("Clotho", "absent", f"{table} is missing, so the split {split} cannot be used")
            continue
        place = _first_folder(folder / split, folder / "clotho_audio_files" / split)
        header = ("file_name", *(f"caption_{i}" for i in range(1, 6)))
        yield from _from_table(
            "Clotho",
            table,
            header,
            ",",
            lambda row, place=place: place / str(row["file_name"]),
            _published("Clotho", split),
        )


def vegas(folder: Path) -> Iterator[Finding]:
    """`<class>/videos/video_<number>.mp4`, at the top or below `data/`."""
    root = folder / "data" if (folder / "data").is_dir() else folder
    videos: list[Path] = []
    for name in VEGAS:
        found = sorted((root / name / "videos").glob("video_*.mp4"))
        if not found:
            yield Finding("VEGAS", "absent", f"{root / name / 'videos'} holds no video_*.mp4")
        videos += found
    yield _count("VEGAS", "videos", len(videos), _published("VEGAS", "clips"))
    yield from _files("VEGAS", videos)


def vggsound(folder: Path) -> Iterator[Finding]:
    """Clips under any of their names in the wild, and `vggsound.csv` in the folder or above it."""
    clips = {path.stem: path for path in clip_files(folder)}
    lists = [place / "vggsound.csv" for place in (folder, folder.parent)]
    table = next((path for path in lists if path.is_file()), None)
    if not clips:
        yield Finding("VGG-Sound", "absent", f"{folder} holds no clips")
    if table is None:
        yield Finding(
            "VGG-Sound", "absent", f"no vggsound.csv in {folder} or above it, so nothing can be compared"
        )
        yield from _files("VGG-Sound", list(clips.values()))
        return
    try:
        rows = list(read_vggsound(table, 10.0))
    except UserError as error:
        yield Finding("VGG-Sound", "failed", str(error))
        return
    yield _count("VGG-Sound", f"rows in {table.name}", len(rows), _published("VGG-Sound", "rows"))
    wanted = [names_of(row) for row in rows]  # which looks at id and times only
    found = [clips[name] for names in wanted for name in names if name in clips]
    state = "ok" if len(found) == len(rows) else "warning"
    yield Finding("VGG-Sound", state, f"{len(found)} of {len(rows)} clips of the list are there")
    yield from _files("VGG-Sound", found)


def clip_files(folder: Path) -> Iterator[Path]:
    """Files below a folder that are called like a clip of a YouTube video."""
    for root, _, names in os.walk(folder):
        for name in names:
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in SUFFIXES and len(stem) > 12 and stem[11] == "_":
                yield Path(root) / name


def _published(name: str, what: str) -> int:
    return find_version(name)[1].counts[what]


def _count(subject: str, what: str, found: int, published: int) -> Finding:
    state = "ok" if found == published else "warning"
    return Finding(subject, state, f"{found} {what}; published are {published}")


def _from_table(
    subject: str,
    table: Path,
    header: Sequence[str],
    separator: str,
    path_of,
    published: int,
    each: bool = False,
) -> Iterator[Finding]:
    """Check a table's header and count, and the file that each row (or each distinct one) names."""
    try:
        with table.open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle, delimiter=separator)
            rows = list(reader) if set(header) <= set(reader.fieldnames or []) else None
    except FileNotFoundError:
        yield Finding(subject, "failed", f"{table} is missing")
        return
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        yield Finding(subject, "failed", f"{table} cannot be read as a table ({error})")
        return
    if rows is None:
        yield Finding(subject, "failed", f"{table}: the header lacks one of {', '.join(header)}")
        return
    paths = list(dict.fromkeys(map(path_of, rows))) if each else list(map(path_of, rows))
    yield _count(subject, f"{'files' if each else 'rows'} in {table.name}", len(paths), published)
    yield from _files(subject, paths)


def _first_folder(*places: Path) -> Path:
    return next((place for place in places if place.is_dir()), places[0])


def _files(subject: str, paths: Sequence[Path]) -> Iterator[Finding]:
    """Which of the files are there and not empty, and whether a few of them can be read."""
    missing = [path for path in paths if not path.is_file()]
    empty = [path for path in paths if path.is_file() and not path.stat().st_size]
    if len(missing) == len(paths):
        yield Finding(subject, "failed", f"none of {len(paths)} files is there{_first(missing)}")
        return
    if missing:
        yield Finding(
            subject, "warning", f"{len(missing)} of {len(paths)} files are missing{_first(missing)}"
        )
    if empty:
        yield Finding(subject, "warning", f"{len(empty)} files are empty{_first(empty)}")
    there = sorted(set(paths) - set(missing) - set(empty))
    yield from _opened(subject, there)


def _opened(subject: str, paths: Sequence[Path]) -> Iterator[Finding]:
    sample = paths[:: max(1, len(paths) // OPENED)][:OPENED]
    broken = [error for path in sample if (error := _trouble(path))]
    for error in broken:
        yield Finding(subject, "warning", error)
    if sample and not broken:
        yield Finding(subject, "ok", f"{len(paths)} files are there; {len(sample)} of them opened")


def _trouble(path: Path) -> str | None:
    try:
        next(iter(stream_audio(path)))
    except UserError as error:
        return str(error)
    return None


def _first(paths: Iterable[Path]) -> str:
    first = next(iter(paths), None)
    return f", first {first}" if first else ""
