"""Training that is killed with SIGKILL and started again ends with the same bits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import os, signal, sys
from pathlib import Path
from tests.unit.test_train_loop import run
from wavbrivl import compute, files
from wavbrivl.train.loop import Trainer

compute.THREADS = 1
folder = Path(sys.argv[1])


def child(work):
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def killed_at_step(step):
    update = Trainer._update

    def step_or_die(self, batch):
        if self.step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return update(self, batch)

    Trainer._update = step_or_die
    run(folder / "steps")


def killed_while_saving(nth):
    replace, count = os.replace, iter(range(1, 100))

    def replace_or_die(source, target):
        if str(target).endswith("last.pt") and next(count) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(source, target)

    files.os.replace = replace_or_die
    run(folder / "saving")


ends = [child(lambda: run(folder / "whole"))]
for step in (3, 6, 11):
    ends.append(child(lambda: killed_at_step(step)))
ends.append(child(lambda: run(folder / "steps")))
for nth in (1, 2):
    ends.append(child(lambda: killed_while_saving(nth)))
ends.append(child(lambda: run(folder / "saving")))
print(*ends)
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    path = os.pathsep.join([str(ROOT), str(ROOT / "workflow" / "scripts")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.split() == ["0", "9", "9", "9", "0", "9", "9", "0"], done.stderr
    return folder


@pytest.mark.parametrize("name", ["steps", "saving"])
def test_killed_runs_end_with_the_bits_of_a_whole_one(runs, name):
    whole, again = (torch.load(runs / n / "last.pt", weights_only=True) for n in ("whole", name))
    for part in ("model", "momentum", "objective"):
        for key, tensor in whole[part].items():
            torch.testing.assert_close(again[part][key], tensor, rtol=0, atol=0, msg=f"{part}.{key}")
    for index, moments in whole["optimizer"]["state"].items():
        for key, tensor in moments.items():
            torch.testing.assert_close(again["optimizer"]["state"][index][key], tensor, rtol=0, atol=0)
    best = [(runs / n / "best.safetensors").read_bytes() for n in ("whole", name)]
    assert best[0] == best[1]
