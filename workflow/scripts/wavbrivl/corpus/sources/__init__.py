"""Where clips come from: one module a kind, opened from the configuration, tried in order."""

from collections.abc import Sequence
from pathlib import Path

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.config.corpus import Source as SourceConfig
from wavbrivl.corpus.sources.base import ClipSource
from wavbrivl.corpus.sources.folder import FolderSource


def open_sources(configs: Sequence[SourceConfig], fetch: FetchConfig) -> list[ClipSource]:
    """Open the configured sources, in order.

    Raises:
        UserError: a folder or a cookies file does not exist.
    """
    return [_open(config, fetch) for config in configs]


def _open(config: SourceConfig, fetch: FetchConfig) -> ClipSource:
    if config.kind == "folder":
        return FolderSource(Path(config.path or ""), fetch.timeout_seconds)
    from wavbrivl.corpus.sources.ytdlp import YtDlpSource  # slow to import, and a folder needs none of it

    return YtDlpSource(config.kind, fetch, cookies=config.cookies, proxy=config.proxy)
