"""Clips that a rule has collected out of an archive (`wavbrivl.corpus.archive`)."""

from collections.abc import Sequence
from pathlib import Path

from wavbrivl.corpus.archive import read_index
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.clip_files import names_of, plain_mp4, remuxed, unusable
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.ledger import Status


class ArchiveSource:
    """The collected members of one archive, found by offset: no shard reads the archive again.

    Args:
        clips: the file that holds the members one after the other; its index lies beside it.
        timeout: limit on bringing a member into a plain MP4.
    """

    kind = "archive"

    def __init__(self, clips: Path, timeout: float) -> None:
        self.clips = clips
        self.timeout = timeout
        self.index = read_index(clips)

    def host(self, clips: Sequence[Clip]) -> str | None:
        return None

    def fetch(self, clips: Sequence[Clip], folder: Path) -> dict[str, Path | SourceError]:
        return {clip.clip_id: self._fetch(clip, folder) for clip in clips}

    def _fetch(self, clip: Clip, folder: Path) -> Path | SourceError:
        members = self.index.members
        name = next((name for name in names_of(clip) if name in members), None)
        if name is None:
            return self._absent()
        offset, size, suffix = members[name]
        if trouble := unusable(name + suffix, size):
            return trouble
        taken, target = folder / f"{clip.clip_id}.member{suffix}", folder / f"{clip.clip_id}.mp4"
        with self.clips.open("rb") as handle:
            handle.seek(offset)
            taken.write_bytes(handle.read(size))
        if plain_mp4(taken):
            return taken.replace(target)
        answer = remuxed(taken, target, self.timeout)
        taken.unlink()
        return answer

    def _absent(self) -> SourceError:
        if self.index.damage:
            said = f"not among the {self.index.seen} members before the damage: {self.index.damage}"
            return SourceError(Status.UNDECODABLE, f"{self.index.archive}: {said}")
        return SourceError(Status.MISSING, "no member of this name in the archive")
