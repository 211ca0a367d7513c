"""SIGKILL to the whole process group at any moment, then the same command: the same results.

The killed runs take one core or two by turns, and the undisturbed one takes two: neither kills nor cores may
show in any result.
"""

import os
import random
import signal
import subprocess
import time

import pytest

from tests.workflow.digests import digests

pytestmark = [pytest.mark.workflow, pytest.mark.long]

KILLS = int(os.environ.get("WAVBRIVL_KILLS", "6"))
LONGEST = 40
"""Seconds until a kill at most; of a whole run on two cores, about a quarter."""


def test_killed_runs_end_with_the_same_bytes(finished, checkout):
    rng = random.Random(20)
    for number in range(KILLS):
        process = subprocess.Popen(
            checkout.command(cores=1 + number % 2),
            cwd=checkout.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + rng.uniform(2, LONGEST)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    done = checkout.run()
    assert done.returncode == 0, done.stderr[-4000:]
    assert not list(checkout.path.rglob(".*.part")), "half-written files were left behind"
    mine, theirs = digests(checkout.path), digests(finished.path)
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if mine[name] != theirs[name]] == []
