"""Training that is killed with SIGKILL and started again ends with the same bits, alone or together.

With accumulated parts, masks, dropout, and an early end by validation.
"""

import pytest
import torch
from tests.train_processes import run_script

SCRIPT = """
import os, signal, sys
from pathlib import Path
from tests.train_corpus import tiny_training
from tests.train_processes import together
from tests.unit import test_train_loop
from wavbrivl import compute, files
from wavbrivl.train.group import Group
from wavbrivl.train.loop import Trainer

compute.THREADS = 1
folder = Path(sys.argv[1])
update, replace = Trainer._update, os.replace


def run(name):
    config = tiny_training(steps=60, validate_every=3, accumulate=2, patience=2)
    test_train_loop.run(folder / name, config, wavlm={"mask_time_prob": 0.3, "mask_time_length": 1})


def killed_at_step(step, name, rank=0):
    def step_or_die(self, batch):
        if self.step == step and Group().rank == rank:
            os.kill(os.getpid(), signal.SIGKILL)
        return update(self, batch)

    Trainer._update = step_or_die
    run(name)


def killed_while_saving(nth, name):
    count = iter(range(1, 100))

    def replace_or_die(source, target):
        if str(target).endswith("last.pt") and next(count) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(source, target)

    files.os.replace = replace_or_die
    run(name)


def alone(work):
    return together(work, 1, folder / "store")[0]


def both(work):
    return "".join(str(min(end, 10)) for end in together(work, 2, folder / "store"))


ends = [alone(lambda: run("whole"))]
for step in (2, 7):
    ends.append(alone(lambda: killed_at_step(step, "steps")))
ends.append(alone(lambda: run("steps")))
ends.append(alone(lambda: killed_while_saving(2, "saving")))
ends.append(alone(lambda: run("saving")))

ends.append(both(lambda: run("two")))
for step, rank in ((4, 1), (8, 0)):
    ends.append(both(lambda: killed_at_step(step, "two_steps", rank)))
ends.append(both(lambda: run("two_steps")))
print(*ends)
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    done = run_script(SCRIPT, folder)
    # Of two processes the one that was not killed ends by an error, since the other one is gone.
    expected = ["0", "9", "9", "0", "9", "0", "00", "109", "910", "00"]
    assert done.stdout.split() == expected, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize(("whole", "name"), [("whole", "steps"), ("whole", "saving"), ("two", "two_steps")])
def test_killed_runs_end_with_the_bits_of_a_whole_one(runs, whole, name):
    first, again = (torch.load(runs / n / "last.pt", weights_only=True) for n in (whole, name))
    assert first["step"] == again["step"] < 60, "patience did not end the run"
    for part in ("model", "momentum", "objective"):
        for key, tensor in first[part].items():
            torch.testing.assert_close(again[part][key], tensor, rtol=0, atol=0, msg=f"{part}.{key}")
    for index, moments in first["optimizer"]["state"].items():
        for key, tensor in moments.items():
            torch.testing.assert_close(again["optimizer"]["state"][index][key], tensor, rtol=0, atol=0)
    best = [(runs / n / "best.safetensors").read_bytes() for n in (whole, name)]
    assert best[0] == best[1]


def test_two_processes_write_as_one_does(runs):
    """The same files, the same rows of metrics but for rounding and chance."""
    one, two = (sorted(path.name for path in (runs / name).iterdir()) for name in ("whole", "two"))
    assert one == two
    lines = [
        (runs / name / "metrics.jsonl").read_text().count('"validation"') for name in ("two", "two_steps")
    ]
    assert lines[0] == lines[1] > 0
