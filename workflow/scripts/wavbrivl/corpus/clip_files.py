"""What sources that hold clips as files have in common: their names in the wild, and a plain MP4 of each."""

import mmap
from pathlib import Path

from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.cut import remux
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.timeline import MediaError, read_timeline

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm"})
MAX_BYTES = 512 * 1024 * 1024


def names_of(clip: Clip) -> list[str]:
    """The file names (without suffix) under which others keep this clip.

    Names are made from the clip, never taken apart: an id may end in an underscore and digits.
    """
    seconds, rest = divmod(clip.start_ms, 1000)
    names = [f"{clip.video_id}_{clip.start_ms}_{clip.end_ms}", f"{clip.video_id}_{clip.start_ms / 1000:.3f}"]
    return names if rest else [f"{clip.video_id}_{seconds:06d}", *names]


def unusable(name: str, size: int) -> SourceError | None:
    """What is wrong with a file of this size, if anything."""
    if size == 0:
        return SourceError(Status.UNDECODABLE, f"{name} is empty")
    if size > MAX_BYTES:
        return SourceError(Status.UNSUPPORTED, f"{name} is larger than {MAX_BYTES} bytes")
    return None


def plain_mp4(path: Path) -> bool:
    """Whether the sample tables are there, so that the file can stay as it is."""
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            timeline = read_timeline(data)  # type: ignore[arg-type] - it takes any buffer
        except MediaError:
            return False
    return any(track is not None and len(track.times) for track in (timeline.video, timeline.audio))


def remuxed(found: Path, target: Path, timeout: float) -> Path | SourceError:
    """The streams of a file in a plain MP4, or why there is none."""
    try:
        return remux(found, target, timeout)
    except SourceError as error:
        return error
