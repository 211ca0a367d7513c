"""SIGKILL to the whole process group at any moment, then the same command: the same results.

The killed runs take one core or two by turns, and the undisturbed one takes two: neither kills nor cores may
show in any result. A run that ends between two kills is compared, and the next begins from nothing.
"""

import os
import random
import signal
import subprocess
import time
from itertools import count

import pytest

from tests.checkouts import Checkout, new_checkout
from tests.workflow.digests import digests

pytestmark = [pytest.mark.workflow, pytest.mark.long]

KILLS = int(os.environ.get("WAVBRIVL_KILLS", "6"))
LONGEST = 40
"""Seconds until a kill at most; of a whole run on two cores, about two fifths."""


def test_killed_runs_end_with_the_same_bytes(finished, tmp_path):
    rng = random.Random(20)
    kills = 0
    for number in count():
        checkout = new_checkout(tmp_path / str(number))
        while kills < KILLS and killed(checkout, cores=1 + kills % 2, after=rng.uniform(2, LONGEST)):
            kills += 1
        done = checkout.run()
        assert done.returncode == 0, done.stderr[-4000:]
        assert_same_bytes(checkout, finished)
        if kills == KILLS:
            break


def killed(checkout: Checkout, cores: int, after: float) -> bool:
    """Run the workflow and kill it and all it started after some seconds; whether it was still running."""
    process = subprocess.Popen(
        checkout.command(cores=cores),
        cwd=checkout.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + after
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if process.poll() is not None:
        assert process.returncode == 0
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def assert_same_bytes(checkout: Checkout, finished: Checkout) -> None:
    assert not list(checkout.path.rglob(".*.part")), "half-written files were left behind"
    mine, theirs = digests(checkout.path), digests(finished.path)
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if mine[name] != theirs[name]] == []
