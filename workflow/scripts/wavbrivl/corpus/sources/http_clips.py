"""Clips that lie one by one under an address, by any of the names in the wild."""

import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.clip_files import MAX_BYTES, names_of, plain_mp4, remuxed, unusable
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.transfer import transfer


class HttpSource:
    """Asks `<address>/<name>.mp4` for each name that the clip may have, until one is there.

    Args:
        address: http or https.
        fetch: `timeout_seconds` and `sleep_seconds`.
    """

    kind = "http"

    def __init__(self, address: str, fetch: FetchConfig) -> None:
        self.address = address.rstrip("/")
        self.config = fetch

    def host(self, clips: Sequence[Clip]) -> str | None:
        return urlsplit(self.address).hostname

    def fetch(self, clips: Sequence[Clip], folder: Path) -> dict[str, Path | SourceError]:
        return {clip.clip_id: self._fetch(clip, folder) for clip in clips}

    def _fetch(self, clip: Clip, folder: Path) -> Path | SourceError:
        got = folder / f"{clip.clip_id}.part"
        try:
            name = self._download(clip, got)
        except SourceError as error:
            return error
        if trouble := unusable(name, got.stat().st_size):
            return trouble
        target = folder / f"{clip.clip_id}.mp4"
        return got.replace(target) if plain_mp4(got) else remuxed(got, target, self.config.timeout_seconds)

    def _download(self, clip: Clip, got: Path) -> str:
        """Bring the first file that is there; return its name."""
        for name in names_of(clip):
            time.sleep(self.config.sleep_seconds)
            try:
                transfer(f"{self.address}/{name}.mp4", got, MAX_BYTES, self.config.timeout_seconds)
                return f"{name}.mp4"
            except SourceError as error:
                if error.status != Status.NOT_FOUND:
                    raise
        raise SourceError(Status.MISSING, f"no file of this name under {self.address}")
