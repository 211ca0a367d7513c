"""Trainings of several processes on this machine, for scripts that were started for them.

The processes are forked, so that torch is imported once: call this from a fresh interpreter only.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist

ROOT = Path(__file__).resolve().parents[1]


def run_script(text: str, folder: Path) -> subprocess.CompletedProcess:
    """Run a script in an interpreter of its own, with `folder` as its argument."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "workflow" / "scripts")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", text, str(folder)]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def together(work: Callable[[], None], ranks: int, store: Path) -> list[int]:
    """Run `work` in so many gloo processes; what each ended with, as `os.waitpid` gives it."""
    store.unlink(missing_ok=True)
    children = [_start(work, rank, ranks, store) for rank in range(ranks)]
    return [os.waitpid(child, 0)[1] for child in children]


def _start(work: Callable[[], None], rank: int, ranks: int, store: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        torch.set_num_threads(1)
        if ranks > 1:
            dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=ranks)
        work()
        code = 0
    finally:
        os._exit(code)
