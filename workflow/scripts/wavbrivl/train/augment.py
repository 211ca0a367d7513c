"""Random crops, gain and noise, each a pure function of the seed and the sample's position."""

from dataclasses import dataclass

import numpy as np

from wavbrivl.audio.processing import repeat_to, standardise


@dataclass(frozen=True)
class Augmentation:
    """How a clip becomes a training crop.

    window: samples of a crop. gain_db: largest change of level either way. noise_snr_db: range of
    the signal-to-noise ratio of added white noise, None for no noise. normalise: standardise the
    crop afterwards, for backbones that want it.
    """

    window: int
    gain_db: float = 0.0
    noise_snr_db: tuple[float, float] | None = None
    normalise: bool = False


@dataclass(frozen=True)
class Draw:
    """Everything that chance decides for one sample."""

    start: int
    frame: int
    gain: float
    snr_db: float | None
    noise_seed: int


def draw(seed: int, position: int, samples: int, frames: int, augmentation: Augmentation) -> Draw:
    """Decide crop, frame, gain and noise of the sample at `position` of the stream."""
    random = np.random.Generator(np.random.PCG64([seed, position, 1]))
    start = int(random.integers(0, max(0, samples - augmentation.window) + 1))
    frame = int(random.integers(0, frames))
    gain = 10 ** (random.uniform(-1, 1) * augmentation.gain_db / 20)
    snr = random.uniform(*augmentation.noise_snr_db) if augmentation.noise_snr_db else None
    return Draw(start, frame, gain, snr, int(random.integers(0, 2**63)))


def apply(crop: np.ndarray, drawn: Draw, augmentation: Augmentation) -> np.ndarray:
    """Make a crop of exactly the window's length: repeat if shorter, add noise, scale.

    Args:
        crop: float32 [samples], at most the window's length.

    Returns:
        float32 [window].
    """
    crop = repeat_to(crop, augmentation.window)
    if drawn.snr_db is not None:
        crop = crop + _noise(crop, drawn)
    crop = crop * np.float32(drawn.gain)
    return standardise(crop) if augmentation.normalise else crop


def _noise(crop: np.ndarray, drawn: Draw) -> np.ndarray:
    level = np.sqrt(np.mean(crop**2)) * 10 ** (-drawn.snr_db / 20)
    random = np.random.Generator(np.random.PCG64(drawn.noise_seed))
    return np.float32(level) * random.standard_normal(len(crop), dtype=np.float32)
