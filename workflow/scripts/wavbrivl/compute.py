"""How torch computes here: fixed thread count, explicit seeds, deterministic algorithms."""

import os
import random

import numpy as np
import torch

from wavbrivl.gpus import own_gpus

THREADS = 2
"""Threads of every numerical job. A constant, so that results do not depend on `--cores`."""


def set_up(seed: int, threads: int = THREADS) -> torch.device:
    """Seed every generator, fix the thread count, ask for deterministic algorithms.

    Args:
        seed: seed of Python's, numpy's and torch's generators.
        threads: a constant of the caller; small models that run beside other jobs take one.

    Returns:
        A GPU of this process's own where one is visible, else `cpu`.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
    torch.set_num_threads(threads)
    seed_all(seed)
    cuda = torch.cuda.is_available()
    # A few CUDA kernels have no deterministic form: there it is a warning; on a CPU it is an error.
    torch.use_deterministic_algorithms(True, warn_only=cuda)
    # Deterministic mode also fills every fresh tensor with NaN, which costs time and finds only bugs.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    if not cuda:
        return torch.device("cpu")
    (number,) = own_gpus(1, torch.cuda.device_count())
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def seed_all(seed: int) -> None:
    """Seed Python's, numpy's and torch's (all devices') global generators."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
