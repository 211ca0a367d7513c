"""A folder of clips that somebody already has, under any of the names in the wild."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.clip_files import SUFFIXES, names_of, plain_mp4, remuxed, unusable
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.ledger import Status
from wavbrivl.errors import UserError


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
        if trouble := unusable(found.name, found.stat().st_size):
            return trouble
        target = folder / f"{clip.clip_id}.mp4"
        if not plain_mp4(found):
            return remuxed(found, target, self.timeout)
        shutil.copyfile(found, target)
        return target


def _scan(path: Path) -> dict[str, Path]:
    """Index the folder once: file name without its suffix -> file. The first in order wins."""
    files: dict[str, Path] = {}
    for root, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in SUFFIXES:
                files.setdefault(stem, Path(root) / name)
    return files
