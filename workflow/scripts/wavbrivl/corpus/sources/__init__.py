"""Where clips come from: one module a kind, opened from the configuration, tried in order."""

from collections.abc import Sequence
from pathlib import Path

from wavbrivl.config.corpus import FetchConfig, VegasConfig
from wavbrivl.config.corpus import Source as SourceConfig
from wavbrivl.corpus.sources.archive import ArchiveSource
from wavbrivl.corpus.sources.base import ClipSource
from wavbrivl.corpus.sources.folder import FolderSource
from wavbrivl.corpus.sources.http_clips import HttpSource
from wavbrivl.corpus.sources.vegas import VegasSource
from wavbrivl.corpus.sources.videos import VideosSource


def open_sources(
    configs: Sequence[SourceConfig],
    fetch: FetchConfig,
    archives: Path = Path("archives"),
    vegas: VegasConfig | None = None,
) -> list[ClipSource]:
    """Open the configured sources, in order.

    Args:
        archives: folder of what was collected out of archives (`wavbrivl.corpus.archive`).
        vegas: which classes of a folder in VEGAS's layout.

    Raises:
        UserError: a folder or a cookies file does not exist.
    """
    return [_open(config, fetch, archives, vegas) for config in configs]


def _open(config: SourceConfig, fetch: FetchConfig, archives: Path, vegas: VegasConfig | None) -> ClipSource:
    path = config.path or ""
    if config.kind == "folder":
        return FolderSource(Path(path), fetch.timeout_seconds)
    if config.kind == "archive":
        return ArchiveSource(archives / f"{config.collected}.clips", fetch.timeout_seconds)
    if config.kind == "http":
        return HttpSource(path, fetch)
    if config.kind == "videos":
        return VideosSource(Path(path), fetch)
    if config.kind == "vegas":
        return VegasSource(Path(config.vegas_root), vegas or VegasConfig(), fetch.timeout_seconds)
    from wavbrivl.corpus.sources.ytdlp import YtDlpSource  # slow to import, and a folder needs none of it

    return YtDlpSource(config.kind, fetch, cookies=config.cookies, proxy=config.proxy)
