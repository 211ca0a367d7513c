"""What can be given as a sound, as a stream of 16 kHz mono blocks."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wavbrivl.audio.files import RATES, stream_audio, to_rate
from wavbrivl.downmix import one_channel
from wavbrivl.errors import UserError

MOST_CHANNELS = 64
"""An array with more rows than this is taken to be turned the wrong way round."""


def as_list(sounds: Any) -> list[Any]:
    """One sound or several, as a list: a path, an array or a tensor is one sound."""
    if isinstance(sounds, (str, os.PathLike)) or hasattr(sounds, "ndim"):
        return [sounds]
    if isinstance(sounds, Sequence) and sounds and np.isscalar(sounds[0]) and not isinstance(sounds[0], str):
        return [np.asarray(sounds)]
    return list(sounds)


def blocks_of(sound: Any, sampling_rate: int | None) -> Iterator[np.ndarray]:
    """A sound's blocks, float32 [samples] at 16 kHz.

    Args:
        sound: a path, or a waveform [samples] or [channels, samples] (numpy, torch or a list of numbers);
            floating point about in [-1, 1], or integers over the whole range of their type.
        sampling_rate: of a waveform, in Hz; files tell their own.

    Raises:
        UserError: an unreadable file; a waveform without a rate, of another shape, empty or not finite.
    """
    if isinstance(sound, (str, os.PathLike)):
        yield from stream_audio(Path(sound))
        return
    if sampling_rate is None:
        raise UserError("a waveform needs sampling_rate, in Hz: numbers alone do not tell it")
    if not RATES[0] <= sampling_rate <= RATES[1]:
        raise UserError(f"sampling_rate: {sampling_rate} Hz is not that of a sound")
    yield _at_16_khz(_mono(_array(sound)), sampling_rate)


def _array(sound: Any) -> np.ndarray:
    """The waveform as float32; torch need not be imported to recognise a tensor."""
    if hasattr(sound, "detach"):
        sound = sound.detach().cpu()
        sound = (sound.float() if sound.is_floating_point() else sound).numpy()
    values = np.asarray(sound)
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / 128
    if np.issubdtype(values.dtype, np.signedinteger):
        return (values / -float(np.iinfo(values.dtype).min)).astype(np.float32)
    if not np.issubdtype(values.dtype, np.floating):
        raise UserError(f"a waveform holds numbers, not values of type {values.dtype}")
    return values.astype(np.float32)


def _mono(values: np.ndarray) -> np.ndarray:
    if values.ndim not in (1, 2):
        raise UserError(
            f"a waveform has the shape [samples] or [channels, samples], not {list(values.shape)}"
        )
    if not values.size:
        raise UserError("the waveform holds no samples")
    if values.ndim == 2 and values.shape[0] > MOST_CHANNELS:
        raise UserError(f"a waveform is [channels, samples]; {list(values.shape)} looks turned: transpose it")
    if not np.isfinite(values).all():
        raise UserError("the waveform holds samples that are not numbers")
    return values if values.ndim == 1 else one_channel(values)


def _at_16_khz(mono: np.ndarray, rate: int) -> np.ndarray:
    made = to_rate(mono, rate)
    if not len(made):
        raise UserError("the waveform holds less than one sample at 16000 Hz")
    return made
