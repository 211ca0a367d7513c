"""One process of a training on several: ``torchrun -m wavbrivl.train.distributed TASK.json``.

torchrun sets the rank; the task is a file that `Task.write` wrote, on a disk that all nodes share.
Errors in one sentence go to the standard output behind `MARK`, for whoever started torchrun.
"""

import logging
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from wavbrivl.errors import UserError
from wavbrivl.train.orphans import die_with_parent
from wavbrivl.train.task import Task

MARK = "wavbrivl refuses: "


def main() -> int:
    """Train as the process that the environment says."""
    die_with_parent()
    rank = int(os.environ["RANK"])
    logger = logging.getLogger("wavbrivl")
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.setLevel(logging.INFO if rank == 0 else logging.WARNING)
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        Task.read(Path(sys.argv[1])).run()
        dist.barrier()
    except UserError as error:
        print(f"{MARK}{type(error).__name__}: {error}", flush=True)
        return 1
    finally:
        dist.destroy_process_group()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
