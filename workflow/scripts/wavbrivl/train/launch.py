"""Start a training: in this process, or in one process a GPU through torchrun, on one node or several."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import torch

import wavbrivl
from wavbrivl.errors import UserError
from wavbrivl.gpus import gpu_names, own_gpus
from wavbrivl.train import distributed
from wavbrivl.train.loop import DivergedError
from wavbrivl.train.orphans import die_with_parent
from wavbrivl.train.task import Task

logger = logging.getLogger("wavbrivl")


def train(task: Task, gpus: int = 1, nodes: int = 1) -> None:
    """Train on as many GPUs as the job was given.

    Args:
        task: the training; the number of GPUs does not belong to it, since it does not change the
            result beyond rounding.
        gpus: GPUs of the job, over all nodes; without GPUs, or with one, training runs right here.
        nodes: nodes of the job (Slurm); with several, torchrun is started on each through srun.

    Raises:
        UserError: as in `train_encoder`, or the processes ended without saying why.
    """
    if nodes > 1:
        return run_processes(task, multi_node_command(nodes, dict(os.environ)), dict(os.environ))
    there = torch.cuda.device_count()
    count = min(gpus, there)
    if 0 < there < gpus:
        logger.warning("the job asks for %d GPUs and sees %d: training on these", gpus, there)
    if count <= 1:
        return task.run()
    names = gpu_names(there)
    chosen = ",".join(names[number] for number in own_gpus(count, there))
    run_processes(task, one_node_command(count), os.environ | {"CUDA_VISIBLE_DEVICES": chosen})


def one_node_command(processes: int) -> list[str]:
    """torchrun with so many processes on this machine."""
    return [*_torchrun(), "--standalone", f"--nproc-per-node={processes}", *_module()]


def multi_node_command(nodes: int, environment: dict[str, str]) -> list[str]:
    """srun of a torchrun on each node of a Slurm job, with one process for each GPU that a node has.

    Raises:
        UserError: this is not a job of Slurm on so many nodes.
    """
    if environment.get("SLURM_JOB_NUM_NODES") != str(nodes):
        raise UserError(f"the rule asks for {nodes} nodes, but this is no Slurm job on {nodes} nodes")
    job, first = environment["SLURM_JOB_ID"], environment["SLURMD_NODENAME"]
    port = 20000 + int(job) % 20000
    # --overlap: the job's own step may hold all of its resources already.
    return [
        *("srun", "--overlap", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1"),
        *_torchrun(),
        f"--nnodes={nodes}",
        "--nproc-per-node=gpu",
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint={first}:{port}",
        f"--rdzv-id={job}",
        *_module(),
    ]


def _torchrun() -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run"]


def _module() -> list[str]:
    return ["-m", distributed.__name__]


def run_processes(task: Task, command: list[str], environment: dict[str, str]) -> None:
    """Run the processes, hand on what they log, and raise what they refuse."""
    package = str(Path(wavbrivl.__file__).parents[1])
    paths = [package, *filter(None, [environment.get("PYTHONPATH")])]
    environment = environment | {"PYTHONPATH": os.pathsep.join(paths)}
    path = Path(task.out) / "task.json"
    task.write(path)
    process = subprocess.Popen(
        [*command, str(path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=die_with_parent,
    )
    refusal = _relay(process)
    if refusal:
        kind, sentence = refusal.split(": ", 1)
        raise (DivergedError if kind == DivergedError.__name__ else UserError)(sentence)
    if process.returncode:
        raise UserError(
            f"the training processes ended with exit code {process.returncode}; see the lines above"
        )


def _relay(process: subprocess.Popen) -> str | None:
    """Log the lines of a process until it ends; the first refusal among them, if there is one."""
    refusal = None
    with process:
        for line in process.stdout:
            if line.startswith(distributed.MARK):
                refusal = refusal or line.removeprefix(distributed.MARK).strip()
            elif line.strip():
                logger.info("%s", line.rstrip())
    return refusal
