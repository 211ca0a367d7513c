"""Several channels as one, at the level of a voice in the middle, without clipping and without cancelling."""

from collections.abc import Iterable

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
    return samples[0] if len(samples) == 1 else mix(samples, mixing_weights([samples]))


def mix(samples: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Float [channels, n] as [n]; a block gives the same bits as it does within the whole.

    Channel by channel, because how a matrix product rounds depends on its length.
    """
    mixed = weights[0] * samples[0]
    for weight, channel in zip(weights[1:], samples[1:], strict=True):
        mixed += weight * channel
    return mixed


def mixing_weights(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """How the channels of a whole sound are mixed, float32 [channels].

    Args:
        blocks: the sound in parts, float [channels, n], at least one. A single channel needs the first only.
    """
    squares: np.ndarray | float = 0.0
    mixed = 0.0
    weights = np.ones(1, dtype=np.float32)
    for block in blocks:
        if len(block) == 1:
            return weights
        weights = _standing(len(block))
        squares = squares + np.square(block, dtype=np.float64).sum(axis=1)
        mixed += float(np.square(mix(block, weights), dtype=np.float64).sum())
    heard = squares * (weights > 0)
    loudest = int(heard.argmax())
    if mixed < _CANCELLED**2 * heard[loudest]:
        return np.eye(1, len(weights), loudest, dtype=np.float32)[0]
    return weights


def _standing(count: int) -> np.ndarray:
    """The weights of so many channels, whatever they hold."""
    weights = np.array(_WEIGHTS.get(count, (1.0,) * count), dtype=np.float32)
    return weights / weights.sum()
