"""What every source of clips can do."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.clips import Clip

CLIP_KINDS = frozenset({"folder", "http", "archive", "vegas"})
"""Sources whose files are clips already: zero on the file's clock is the clip's start."""


class ClipSource(Protocol):
    """A place to look for clips.

    Attributes:
        kind: the name that stands in the configuration and in the ledger.
    """

    kind: str

    def host(self, clips: Sequence[Clip]) -> str | None:
        """The host that would be asked, or None if no request leaves the machine."""
        ...

    def fetch(self, clips: Sequence[Clip], folder: Path) -> Mapping[str, Path | SourceError]:
        """Get the clips of one video.

        Args:
            clips: clips of one video id, those that no earlier source gave.
            folder: an empty folder that the files may be written to.

        Returns:
            For each clip id, an MP4 file in `folder`, or why there is none.

        Raises:
            SourceError: the same for every clip. The caller asks again for what failed for a passing reason,
                raised or returned.
        """
        ...


def zero_ms(kind: str, clip: Clip) -> int:
    """Where zero on a fetched file's clock lies on the source video's clock, in milliseconds."""
    return clip.start_ms if kind in CLIP_KINDS else 0
