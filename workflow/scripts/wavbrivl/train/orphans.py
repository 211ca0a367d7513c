"""Processes that must not outlive the one that started them."""

import ctypes
import signal


def die_with_parent() -> None:
    """Have Linux kill this process when its parent dies, so that a killed job leaves nobody training."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
