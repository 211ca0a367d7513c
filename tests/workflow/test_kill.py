"""SIGKILL to the whole process group at any moment, then the same command: the same results."""

import os
import random
import signal
import subprocess
import time

import pytest

from tests.workflow.test_toy_run import digests

pytestmark = pytest.mark.workflow

KILLS = int(os.environ.get("WAVBRIVL_KILLS", "6"))


def test_killed_runs_end_with_the_same_bytes(finished, checkout):
    rng = random.Random(20)
    for _ in range(KILLS):
        process = subprocess.Popen(
            checkout.command(),
            cwd=checkout.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + rng.uniform(2, 14)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    done = checkout.run()
    assert done.returncode == 0, done.stderr[-4000:]
    assert digests(checkout.path) == digests(finished.path)
    assert not list(checkout.path.rglob(".*.part")), "half-written files were left behind"
