"""A lock left by a killed run is cleared; the lock of a living run is not."""

import subprocess
import sys

HOLD = """
import sys, time
from pathlib import Path
from wavbrivl.workflow.stale_lock import release_stale_lock
print(release_stale_lock(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def _start(state):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


def test_only_a_dead_owners_lock_is_removed(tmp_path):
    state = tmp_path / ".snakemake"
    first, alone = _start(state)
    assert alone == "True"
    lock = state / "locks" / "0.input.lock"
    lock.parent.mkdir()
    lock.write_text("x")

    second, alone = _start(state)
    assert alone == "False"
    assert lock.exists()
    second.communicate()

    first.kill()
    first.wait()
    third, alone = _start(state)
    assert alone == "True"
    assert not lock.exists()
    third.communicate()
