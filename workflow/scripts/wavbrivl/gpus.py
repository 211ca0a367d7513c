"""Which GPU a job takes: on a machine with several, jobs side by side each get one of their own.

A scheduler that hands out GPUs (Slurm and its like) has done so already. On one machine Snakemake
only counts them, so every job asks here: a GPU is taken by an advisory lock of the operating
system on a file of its name, which goes when the process goes, however it ends.
"""

import fcntl
import logging
import os
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from wavbrivl.errors import UserError

logger = logging.getLogger("wavbrivl")
SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "SGE_TASK_ID", "KUBERNETES_SERVICE_HOST")
"""Variables of the environment that tell that a scheduler runs this job."""

_taken: list[tuple[int, IO[str]]] = []


def own_gpus(count: int, there: int, environment: Mapping[str, str] = os.environ) -> list[int]:
    """Numbers of `count` GPUs for this process, out of the `there` that torch sees; waits for them.

    A process started by torchrun takes that of its local rank, and one that a scheduler started, or
    that sees no more than it wants, the first ones.
    """
    if "LOCAL_RANK" in environment:
        return [int(environment["LOCAL_RANK"])]
    if there <= count or any(name in environment for name in SCHEDULERS):
        return list(range(count))
    if len(_taken) < count:
        folder = Path(tempfile.gettempdir()) / f"wavbrivl-gpus-{os.getuid()}"
        _taken.extend(take(gpu_names(there, environment), count - len(_taken), folder))
    return [number for number, _ in _taken[:count]]


def gpu_names(there: int, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The machine's own names of the GPUs that torch numbers from 0."""
    visible = [name.strip() for name in environment.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return visible[:there] if visible != [""] else [str(i) for i in range(there)]


def take(names: Sequence[str], count: int, folder: Path, pause: float = 0.5) -> list[tuple[int, IO[str]]]:
    """Lock `count` of the GPUs, all or none at a time, waiting while other processes hold them.

    Args:
        names: the machine's names of the GPUs.
        count: how many are wanted.
        folder: where the lock files lie, the same for all jobs of a user.
        pause: seconds between two tries.

    Returns:
        Position among `names` and open lock file of each; closing the file gives the GPU back.

    Raises:
        UserError: the folder belongs to another user.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise UserError(f"{folder} belongs to another user, so GPUs cannot be shared out between jobs")
    waiting = False
    while len(held := _take_free(names, count, folder)) < count:
        for _, lock in held:
            lock.close()
        if not waiting:
            logger.info("waiting for %d of %d GPUs, which other jobs hold", count, len(names))
        waiting = True
        time.sleep(pause * (1 + os.getpid() % 10 / 10))  # not in step with another that waits
    return held


def _take_free(names: Sequence[str], count: int, folder: Path) -> list[tuple[int, IO[str]]]:
    held: list[tuple[int, IO[str]]] = []
    for number, name in enumerate(names):
        lock = _try(folder, name) if len(held) < count else None
        if lock is not None:
            held.append((number, lock))
    return held


def _try(folder: Path, name: str) -> IO[str] | None:
    handle = (folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', name)}.lock").open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle
