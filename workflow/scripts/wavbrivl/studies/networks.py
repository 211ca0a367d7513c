"""Names of the networks whose features distances are computed on. Names never mix.

Kept apart from the networks themselves, so that planning and tables need neither torch nor numpy.
"""

from pathlib import Path

from wavbrivl.config.studies import FeaturesConfig

EMBEDDED, INCEPTION, VGGSOUND = "embedded", "inception-v3-compat", "vggsound-inception"
EXTRACTORS = (EMBEDDED, INCEPTION, VGGSOUND)


def named_extractors(config: FeaturesConfig) -> list[str]:
    """The extractors that measure, in their order: the first one's numbers have the plain names."""
    return [EMBEDDED, *(name for name, path in _paths(config).items() if path and Path(path).is_file())]


def absent_extractors(config: FeaturesConfig) -> dict[str, str]:
    """Extractors without weights, and why they measure nothing."""
    present = named_extractors(config)
    return {name: _lack(name, path) for name, path in _paths(config).items() if name not in present}


def _paths(config: FeaturesConfig) -> dict[str, str | None]:
    return {INCEPTION: config.inception_v3_compat, VGGSOUND: config.vggsound_inception}


def _lack(name: str, path: str | None) -> str:
    if path:
        return f"not measured: there is no {path}"
    return f"not measured: studies.features.{name.replace('-', '_')} names no weights"
