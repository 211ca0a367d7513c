"""Random generators that depend on names only, never on the order of the work."""

import hashlib

import numpy as np


def generator(*names: str | int) -> np.random.Generator:
    """Generator of a stream: the same names give the same numbers in any process."""
    digest = hashlib.sha256("/".join(str(name) for name in names).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
