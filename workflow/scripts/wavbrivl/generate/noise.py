"""Random numbers of each picture: they depend on seed and names, never on batches or order."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def uniform(seed: int, names: Sequence[str], *shape: int) -> Tensor:
    """One float32 array of numbers in [0, 1) for each name: [names, *shape]."""
    rows = [stream(seed, name).random(shape, dtype=np.float32) for name in names]
    return torch.from_numpy(np.stack(rows))


def normal(seed: int, names: Sequence[str], *shape: int) -> Tensor:
    """One float32 array of standard normal numbers for each name: [names, *shape]."""
    rows = [stream(seed, name).standard_normal(shape, dtype=np.float32) for name in names]
    return torch.from_numpy(np.stack(rows))


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of one name."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
