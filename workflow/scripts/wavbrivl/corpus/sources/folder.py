"""A folder of clips that somebody already has, under any of the names in the wild."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.cut import remux
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.timeline import MediaError, read_timeline
from wavbrivl.errors import UserError

_SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm"}
MAX_BYTES = 512 * 1024 * 1024


class FolderSource:
    """Clips under `<id>_<start:06d>`, `<id>_<start ms>_<end ms>` or `<id>_<start.3f>`, in subfolders too."""

    kind = "folder"

    def __init__(self, path: Path, timeout: float) -> None:
        if not path.is_dir():
            raise UserError(f"corpus.sources: the folder {path} does not exist")
        self.timeout = timeout
        self.files = _scan(path)

    def host(self, clips: Sequence[Clip]) -> str | None:
        return None

    def fetch(self, clips: Sequence[Clip], folder: Path) -> dict[str, Path | SourceError]:
        return {clip.clip_id: self._fetch(clip, folder) for clip in clips}

    def _fetch(self, clip: Clip, folder: Path) -> Path | SourceError:
        found = next((self.files[name] for name in names_of(clip) if name in self.files), None)
        if found is None:
            return SourceError(Status.MISSING, "no file of this name in the folder")
        size = found.stat().st_size
        if size == 0:
            return SourceError(Status.UNDECODABLE, f"{found.name} is empty")
        if size > MAX_BYTES:
            return SourceError(Status.UNSUPPORTED, f"{found.name} is larger than {MAX_BYTES} bytes")
        target = folder / f"{clip.clip_id}.mp4"
        if _plain_mp4(found):
            shutil.copyfile(found, target)
            return target
        try:
            return remux(found, target, self.timeout)
        except SourceError as error:
            return error


def _scan(path: Path) -> dict[str, Path]:
    """Index the folder once: file name without its suffix -> file. The first in order wins."""
    files: dict[str, Path] = {}
    for root, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in _SUFFIXES:
                files.setdefault(stem, Path(root) / name)
    return files


def names_of(clip: Clip) -> list[str]:
    """The file names (without suffix) under which others keep this clip.

    Names are made from the clip, never taken apart: an id may end in an underscore and digits.
    """
    seconds, rest = divmod(clip.start_ms, 1000)
    names = [f"{clip.video_id}_{clip.start_ms}_{clip.end_ms}", f"{clip.video_id}_{clip.start_ms / 1000:.3f}"]
    return names if rest else [f"{clip.video_id}_{seconds:06d}", *names]


def _plain_mp4(path: Path) -> bool:
    """Whether the sample tables are there, so that the file can stay as it is."""
    try:
        timeline = read_timeline(path.read_bytes())
    except MediaError:
        return False
    return any(track is not None and len(track.times) for track in (timeline.video, timeline.audio))
