"""Sound files of any rate, depth and number of channels, as 16 kHz mono."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import torch
from torchaudio.transforms import Resample

from wavbrivl.errors import UserError

RATE = 16_000


def read_audio(path: Path) -> np.ndarray:
    """Read one file: channels averaged, resampled to 16 kHz.

    Returns:
        float32 [samples], about in [-1, 1]; never empty, never NaN.

    Raises:
        UserError: one sentence for a file that is absent, unreadable or holds no sound.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: there is no such sound file")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise UserError(f"{path}: not a readable sound file ({_reason(error)})") from None
    if not len(samples):
        raise UserError(f"{path}: the sound file holds no samples")
    mono = samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise UserError(f"{path}: the sound file holds samples that are not numbers")
    return to_rate(mono, rate)


def to_rate(mono: np.ndarray, rate: int) -> np.ndarray:
    """Resample float32 [samples] at `rate` to 16 kHz (torchaudio, windowed sinc)."""
    if rate == RATE:
        return mono
    return _resampler(int(rate))(torch.from_numpy(mono)).numpy()


@lru_cache(maxsize=32)
def _resampler(rate: int) -> Resample:
    """The filter is computed once a rate: it costs more than a short sound's convolution."""
    return Resample(rate, RATE)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0].split(": ")[-1].rstrip(".") or type(error).__name__
