"""Which clip is seen when: a pure function of seed, step and world size, so resume is exact."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Share:
    """One process's part of a global batch."""

    indices: np.ndarray
    """[batch] rows of the corpus."""
    positions: np.ndarray
    """[batch] places in the endless stream of samples; the key of every random draw."""


@lru_cache(maxsize=4)
def epoch_order(size: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation of `size` clips in one epoch, int64 [size], not to be written to."""
    order = np.random.Generator(np.random.PCG64([seed, epoch])).permutation(size)
    order.setflags(write=False)
    return order


def share_of_step(
    size: int, seed: int, step: int, batch_size: int, rank: int = 0, world_size: int = 1
) -> Share:
    """What one process reads at one step.

    The epochs form one endless stream; step s covers `batch_size * world_size` places of it, and
    every rank takes an equal, contiguous part. So all ranks have the same number of steps, whatever
    the corpus's size, and a global batch does not depend on how many ranks divide it.

    Args:
        size: clips in the corpus, at least 1.
        seed: the run's seed.
        step: counted from 0.
        batch_size: clips of one rank in one step.
        rank: this process, from 0 to world_size - 1.
        world_size: processes that train together.
    """
    first = (step * world_size + rank) * batch_size
    positions = np.arange(first, first + batch_size)
    epochs, places = np.divmod(positions, size)
    indices = np.empty(batch_size, dtype=np.int64)
    for epoch in np.unique(epochs):
        chosen = epochs == epoch
        indices[chosen] = epoch_order(size, seed, int(epoch))[places[chosen]]
    return Share(indices, positions)
