"""A folder of whole videos: the windows that the manifest made of them are cut out."""

from collections.abc import Sequence
from pathlib import Path

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.cut import Stream, cut_clips
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.videos import video_files, video_id_of
from wavbrivl.errors import UserError

CLIPS_PER_RUN = 16  # of ffmpeg, which opens the video once for each


class VideosSource:
    """Whole videos of a folder, known by the ids that `wavbrivl.corpus.videos` gives them."""

    kind = "videos"

    def __init__(self, path: Path, fetch: FetchConfig) -> None:
        if not path.is_dir():
            raise UserError(f"corpus.sources: the folder {path} does not exist")
        self.config = fetch
        self.files = {video_id_of(name): path / name for name in video_files(path)}

    def host(self, clips: Sequence[Clip]) -> str | None:
        return None

    def fetch(self, clips: Sequence[Clip], folder: Path) -> dict[str, Path | SourceError]:
        found = self.files.get(clips[0].video_id)
        if found is None:
            missing = SourceError(Status.MISSING, "the video is no longer in the folder")
            return {clip.clip_id: missing for clip in clips}
        if not found.stat().st_size:
            empty = SourceError(Status.UNDECODABLE, f"{found.name} is empty")
            return {clip.clip_id: empty for clip in clips}
        answers: dict[str, Path | SourceError] = {}
        for first in range(0, len(clips), CLIPS_PER_RUN):
            answers |= self._cut(found, clips[first : first + CLIPS_PER_RUN], folder)
        return answers

    def _cut(self, found: Path, clips: Sequence[Clip], folder: Path) -> dict[str, Path | SourceError]:
        """Cut some clips in one run; where that fails, each alone, so that one bad place spoils one clip."""
        margin, timeout = self.config.margin_seconds, self.config.timeout_seconds
        try:
            paths = cut_clips([Stream(str(found))], clips, folder, margin, timeout)
        except SourceError as error:
            if len(clips) == 1 or error.status == Status.DISK_FULL:
                return {clip.clip_id: error for clip in clips}
            return {
                name: answer for clip in clips for name, answer in self._cut(found, [clip], folder).items()
            }
        nothing = SourceError(Status.TOO_SHORT, f"{found.name} holds nothing at this place")
        return {name: path if path.is_file() else nothing for name, path in paths.items()}
