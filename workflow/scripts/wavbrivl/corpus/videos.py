"""A folder of whole videos as a clip list: found, probed once, cut into windows, split by video."""

import csv
import hashlib
import io
import mmap
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.config.corpus import CorpusConfig
from wavbrivl.corpus.clips import VIDEO_ID, unit_hash
from wavbrivl.corpus.rows import ListRow, csv_rows
from wavbrivl.errors import UserError
from wavbrivl.files import write_text
from wavbrivl.progress import track

SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".flv", ".3gp"}
)
COLUMNS = ("video_id", "path", "bytes", "mtime_ns", "start_ms", "end_ms")
SLACK_MS = 50  # of the last window, which may lack that much: sound is padded by a little more
PROBE_SECONDS = 20
_TABLED = frozenset({".mp4", ".m4v", ".mov", ".3gp"})
_DURATION = re.compile(rb"Duration: (\d+):(\d\d):(\d\d\.\d+)(?:, start: (-?\d+\.\d+))?")


@dataclass(frozen=True)
class Video:
    """One file: where picture and sound are both there, in ms of its own clock; 0, 0 where nobody knows."""

    video_id: str
    path: str
    bytes: int
    mtime_ns: int
    start_ms: int
    end_ms: int


def list_videos(folder: Path, table: Path) -> None:
    """Bring a table of a folder's videos up to date: only new and changed files are probed.

    A file that cannot be probed stays in the table: fetching will say in the ledger what is wrong with it.

    Raises:
        UserError: the folder is not there or holds no video.
    """
    known = {(v.path, v.bytes, v.mtime_ns): v for v in read_table(table)} if table.exists() else {}
    found = [(path, (folder / path).stat()) for path in video_files(folder)]
    if not found:
        raise UserError(f"corpus.sources: {folder} holds no video ({', '.join(sorted(SUFFIXES))})")
    keys = [(path, state.st_size, state.st_mtime_ns) for path, state in found]
    fresh = [key for key in keys if key not in known]
    for key in track(fresh, "videos probed") if fresh else ():
        known[key] = Video(video_id_of(key[0]), *key, *_span(folder / key[0]))
    _write_table(table, [known[key] for key in keys])


def video_files(folder: Path) -> list[str]:
    """Paths of the videos below a folder, relative to it, sorted; names that are no text are left out."""
    paths = []
    for root, folders, names in os.walk(folder):
        folders.sort()
        paths += [os.path.relpath(os.path.join(root, name), folder) for name in names]
    wanted = (path for path in paths if os.path.splitext(path)[1].lower() in SUFFIXES and path.isprintable())
    return sorted(path for path in wanted if (folder / path).is_file())


def video_id_of(path: str) -> str:
    """A stable and safe id for a video, from its path within the folder and nothing else.

    An MP4 at the top whose name is a valid id keeps it; every other name gets a hash of the path.
    """
    stem, suffix = os.path.splitext(path)
    if suffix == ".mp4" and VIDEO_ID.fullmatch(stem):
        return stem
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:50] or "video"
    return f"{safe}-{hashlib.sha256(path.encode()).hexdigest()[:10]}"


def read_videos(table: Path, config: CorpusConfig) -> Iterator[ListRow]:
    """The windows of every video of a table, as rows of a clip list without labels."""
    for line, video in enumerate(read_table(table), start=2):
        test = unit_hash("test", video.video_id) < config.videos.test_fraction
        for start, end in windows(video, config):
            yield ListRow(line, video.video_id, start, end, "", "test" if test else "train")


def windows(video: Video, config: CorpusConfig) -> list[tuple[int, int]]:
    """The clips of a video, in ms. One that is shorter than a clip gives one clip as long as it is.

    A video of unknown length gives one window too, so that it has its row in the ledger.
    """
    length = round(config.clip_seconds * 1000)
    hop = round((config.videos.hop_seconds or config.clip_seconds) * 1000)
    if video.end_ms <= video.start_ms:
        return [(0, length)]
    room = video.end_ms - video.start_ms + SLACK_MS - length
    if room < 0:
        return [(video.start_ms, video.end_ms)]
    starts = list(range(video.start_ms, video.start_ms + room + 1, max(hop, 1)))
    limit = config.videos.clips_per_video
    if limit is not None and limit < len(starts):
        starts = [starts[(2 * k + 1) * len(starts) // (2 * limit)] for k in range(limit)]
    return [(start, start + length) for start in starts]


def read_table(table: Path) -> list[Video]:
    """Read what `list_videos` wrote.

    Raises:
        UserError: the file is no such table.
    """
    rows = csv_rows(table)
    if tuple(next(rows, (1, []))[1]) != COLUMNS:
        raise UserError(f"{table} is not a table of videos: delete it, and it is made anew")
    return [Video(row[0], row[1], *map(int, row[2:])) for _, row in rows]


def _write_table(table: Path, videos: list[Video]) -> None:
    """Write the table, unless it stands there already: an untouched file makes no rule run again."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([v.video_id, v.path, v.bytes, v.mtime_ns, v.start_ms, v.end_ms] for v in videos)
    if not table.exists() or table.read_text(encoding="utf-8") != buffer.getvalue():
        write_text(table, buffer.getvalue())


def _span(path: Path) -> tuple[int, int]:
    """Where picture and sound are both there, from the file's own tables or from what ffmpeg prints."""
    span = _table_span(path) if path.suffix.lower() in _TABLED else None
    return span or _printed_span(path) or (0, 0)


def _table_span(path: Path) -> tuple[int, int] | None:
    from wavbrivl.corpus.timeline import MediaError, read_timeline  # numpy: only where there is a new video

    if not path.stat().st_size:
        return None
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            timeline = read_timeline(data)  # type: ignore[arg-type] - it takes any buffer
        except MediaError:
            return None
    tracks = [t for t in (timeline.video, timeline.audio) if t is not None and len(t.times)]
    if not tracks:
        return None
    start, end = max(0.0, *(float(t.times.min()) for t in tracks)), min(t.ends for t in tracks)
    return round(start * 1000), round(end * 1000)


def _printed_span(path: Path) -> tuple[int, int] | None:
    """Start and duration as `ffmpeg -i` prints them, for containers without tables."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-protocol_whitelist", "file"]
    try:
        said = subprocess.run(
            [*command, "-i", str(path.resolve())], capture_output=True, timeout=PROBE_SECONDS, check=False
        ).stderr
    except subprocess.TimeoutExpired:
        return None
    match = _DURATION.search(said)
    if match is None:
        return None
    hours, minutes, seconds, start = match.groups()
    begin = max(0.0, float(start or 0))
    lasting = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return round(begin * 1000), round((begin + lasting) * 1000)
