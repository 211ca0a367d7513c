"""What a network gives for images, so that distances can be computed on it."""

from typing import NamedTuple, Protocol

import numpy as np


class Extracted(NamedTuple):
    """Features [n, d] for FID and KID, logits [n, classes] for the Inception Score."""

    features: np.ndarray
    logits: np.ndarray


class Extractor(Protocol):
    """A network that turns images into features; `name` is one of `networks.EXTRACTORS`."""

    name: str

    def extract(self, images: np.ndarray) -> Extracted:
        """From uint8 images [n, side, side, 3]; no image's features depend on the others."""
        ...
