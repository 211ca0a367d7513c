"""Cut clips out of a plain MP4 of this machine by its own tables: no other process, no re-encoding.

As ffmpeg's stream copy does it, a cut begins with a key frame and keeps the source's clock. What is no
plain MP4, or holds nothing where a cut should be, is left to ffmpeg (`wavbrivl.corpus.cut`).
"""

import mmap
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from wavbrivl.corpus.movie import Part, write_movie
from wavbrivl.corpus.timeline import MediaError, Track, read_timeline


def cut_plain(source: Path, cuts: Iterable[tuple[Path, float, float]]) -> bool:
    """Write each cut (target, begin and end in seconds of the source's clock), if all of them can be.

    Returns:
        Whether the files are there; nothing is said of why not.
    """
    if not source.is_file() or not source.stat().st_size:
        return False
    with source.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            timeline = read_timeline(data)  # type: ignore[arg-type] - it takes any buffer
            tracks = [timeline.video, timeline.audio]
            if not all(map(_usable, tracks)):
                return False
            for target, begin, end in cuts:
                parts = [Part(track, _samples(track, begin, end)) for track in tracks if track is not None]
                if not all(len(part.samples) for part in parts):
                    return False
                target.write_bytes(write_movie(data, parts, placed=True))  # type: ignore[arg-type]
        except MediaError:
            return False
    return True


def _usable(track: Track | None) -> bool:
    """Whether a track is there whole, with one form for all of its samples."""
    return track is not None and len(track.times) > 0 and int.from_bytes(track.entry[4:8], "big") == 1


def _samples(track: Track, begin: float, end: float) -> np.ndarray:
    """From the last key sample shown by `begin` (else the first) to the last that is shown before `end`."""
    keys = np.flatnonzero(track.keys)
    early = keys[track.times[keys] <= begin]
    before_end = np.flatnonzero(track.times < end)
    if not len(keys) or not len(before_end):
        return np.zeros(0, np.int64)
    return np.arange(int(early[-1]) if len(early) else int(keys[0]), int(before_end[-1]) + 1)
