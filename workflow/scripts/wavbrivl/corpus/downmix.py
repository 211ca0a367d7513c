"""Several channels as one, at the level of a voice in the middle, without clipping and without cancelling."""

import numpy as np

_SIDE, _SURROUND = 0.7071, 0.5  # beside a centre of 1, the low-frequency channel left out: ITU-R BS.775
_WEIGHTS = {  # by the number of channels, in the order in which decoders give them
    3: (_SIDE, _SIDE, 1.0),
    5: (_SIDE, _SIDE, 1.0, _SURROUND, _SURROUND),
    6: (_SIDE, _SIDE, 1.0, 0.0, _SURROUND, _SURROUND),
    7: (_SIDE, _SIDE, 1.0, 0.0, _SURROUND, _SURROUND, _SURROUND),
    8: (_SIDE, _SIDE, 1.0, 0.0, _SURROUND, _SURROUND, _SURROUND, _SURROUND),
}
_CANCELLED = 0.1  # of the loudest channel's level: twenty decibels below it


def one_channel(samples: np.ndarray) -> np.ndarray:
    """Mix float [channels, n] to [n].

    The weights add up to one, so the mix is never louder than the loudest channel, and what is the same
    in all channels keeps its level. Where the channels cancel each other (a microphone wired the wrong way
    round), the loudest one stands for all.
    """
    count = len(samples)
    if count == 1:
        return samples[0]
    weights = np.array(_WEIGHTS.get(count, (1.0,) * count), dtype=np.float32)
    mixed = (weights / weights.sum()) @ samples
    levels = _level(samples) * (weights > 0)
    loudest = int(levels.argmax())
    return samples[loudest] if _level(mixed) < _CANCELLED * levels[loudest] else mixed


def _level(samples: np.ndarray) -> np.ndarray:
    """Root mean square over time; of nothing, zero."""
    return np.sqrt(np.square(samples).sum(axis=-1) / max(samples.shape[-1], 1))
