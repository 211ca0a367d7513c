"""SIGKILL to the whole process group at any moment, then the same command: the same results.

The killed runs take one core or two by turns, and the undisturbed one takes two: neither kills nor cores may
show in any result.
"""

import hashlib
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow

KILLS = int(os.environ.get("WAVBRIVL_KILLS", "6"))
LONGEST = 40
"""Seconds until a kill at most; of a whole run on two cores, about a quarter."""
OWN = {"logs", "benchmarks", "tensorboard", "report.html", "last.pt", ".snakemake_timestamp", "manifest"}
"""Names of files and folders that say how long something took, when, or (the manifest) in which folder."""
SECONDS = re.compile(rb'"\w+_seconds": [\d.e-]+')


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


def digests(root: Path) -> dict[str, str]:
    """SHA-256 of every file that a run makes, without times."""
    files = [path for folder in ("data", "results") for path in (root / folder).rglob("*") if path.is_file()]
    names = [path.relative_to(root) for path in files]
    return {
        name.as_posix(): hashlib.sha256(SECONDS.sub(b"", (root / name).read_bytes())).hexdigest()
        for name in names
        if not OWN & set(name.parts)
    }
