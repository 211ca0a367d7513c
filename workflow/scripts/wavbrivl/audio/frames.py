"""A sound as a sequence of vectors in time; kept apart so that reading it needs no torch."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frames:
    """features: [time, width] float32; seconds: [time], the middle of each frame."""

    features: np.ndarray
    seconds: np.ndarray
