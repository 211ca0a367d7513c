"""The clips of a folder in VEGAS's layout, found through its tables."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from wavbrivl.config.corpus import VegasConfig
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.clip_files import plain_mp4, remuxed, unusable
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.vegas import info_file, read_vegas


class VegasSource:
    """Cut clips under `<class>/videos/video_%05d.mp4`.

    Args:
        root: the folder that holds the classes' folders.
        config: which classes.
        timeout: limit on bringing a file into a plain MP4.

    Raises:
        UserError: a class has no table, or a row of it is malformed.
    """

    kind = "vegas"

    def __init__(self, root: Path, config: VegasConfig, timeout: float) -> None:
        self.timeout = timeout
        rows = [row for name in config.classes for row in read_vegas(info_file(root, name), config)]
        self.files = {(row.video_id, row.start_ms, row.end_ms): root / row.path for row in reversed(rows)}

    def host(self, clips: Sequence[Clip]) -> str | None:
        return None

    def fetch(self, clips: Sequence[Clip], folder: Path) -> dict[str, Path | SourceError]:
        return {clip.clip_id: self._fetch(clip, folder) for clip in clips}

    def _fetch(self, clip: Clip, folder: Path) -> Path | SourceError:
        found = self.files.get((clip.video_id, clip.start_ms, clip.end_ms))
        if found is None or not found.is_file():
            return SourceError(Status.MISSING, "no file of this number in the folder of its class")
        if trouble := unusable(found.name, found.stat().st_size):
            return trouble
        target = folder / f"{clip.clip_id}.mp4"
        if not plain_mp4(found):
            return remuxed(found, target, self.timeout)
        shutil.copyfile(found, target)
        return target
