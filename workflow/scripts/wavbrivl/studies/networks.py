"""Names of the networks whose features distances are computed on. Names never mix.

Kept apart from the networks themselves, so that tables need no torch.
"""

from typing import NamedTuple, Protocol

import numpy as np

from wavbrivl.config.studies import FeaturesConfig

EMBEDDED, INCEPTION, VGGSOUND = "embedded", "inception-v3-compat", "vggsound-inception"
EXTRACTORS = (EMBEDDED, INCEPTION, VGGSOUND)


class Extracted(NamedTuple):
    """Features [n, d] for FID and KID, logits [n, classes] for the Inception Score."""

    features: np.ndarray
    logits: np.ndarray


class Extractor(Protocol):
    """A network that turns images into features; `name` is one of `EXTRACTORS`."""

    name: str

    def extract(self, images: np.ndarray) -> Extracted:
        """From uint8 images [n, side, side, 3]; no image's features depend on the others."""
        ...


def named_extractors(config: FeaturesConfig) -> list[str]:
    """The extractors that measure, in their order: the first one's numbers have the plain names."""
    paths = {INCEPTION: config.inception_v3_compat, VGGSOUND: config.vggsound_inception}
    return [EMBEDDED, *(name for name, path in paths.items() if path)]


def absent_extractors(config: FeaturesConfig) -> dict[str, str]:
    """Extractors without weights, and why they measure nothing."""
    return {
        name: f"not measured: studies.features.{name.replace('-', '_')} names no weights"
        for name in EXTRACTORS
        if name not in named_extractors(config)
    }
