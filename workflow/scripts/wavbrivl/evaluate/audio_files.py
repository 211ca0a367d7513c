"""Sound files of any rate, depth and number of channels, as mono at the rate that is asked for."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import torch
from torchaudio.transforms import Resample

from wavbrivl.errors import UserError

RATE = 16_000


def read_audio(path: Path, rate: int = RATE) -> np.ndarray:
    """Read one file: channels averaged, resampled to `rate`, 16 kHz by default.

    Returns:
        float32 [samples], about in [-1, 1]; never empty, never NaN.

    Raises:
        UserError: one sentence for a file that is absent, unreadable or holds no sound.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: there is no such sound file")
    try:
        samples, own = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise UserError(f"{path}: not a readable sound file ({_reason(error)})") from None
    if not len(samples):
        raise UserError(f"{path}: the sound file holds no samples")
    mono = samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise UserError(f"{path}: the sound file holds samples that are not numbers")
    return to_rate(mono, own, rate)


def to_rate(mono: np.ndarray, rate: int, wanted: int = RATE) -> np.ndarray:
    """Resample float32 [samples] at `rate` to `wanted` (torchaudio, windowed sinc)."""
    if rate == wanted:
        return mono
    return _resampler(int(rate), int(wanted))(torch.from_numpy(mono)).numpy()


def all_to_rate(waveforms: Sequence[np.ndarray], rate: int, wanted: int) -> list[np.ndarray]:
    """Several sounds as float32 at the wanted rate."""
    return [to_rate(np.asarray(waveform, dtype=np.float32), rate, wanted) for waveform in waveforms]


@lru_cache(maxsize=32)
def _resampler(rate: int, wanted: int) -> Resample:
    """The filter is computed once a pair of rates: it costs more than a short sound's convolution."""
    return Resample(rate, wanted)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0].split(": ")[-1].rstrip(".") or type(error).__name__
