"""Let the same command go on after a kill.

Snakemake leaves its lock behind when it is killed with SIGKILL and then refuses to start. Every
main process of this workflow holds an advisory lock of the operating system, which dies with
it: whoever gets that lock knows that no other run is alive, and clears what the dead one left.
"""

import fcntl
import os
from pathlib import Path
from typing import IO

_held: list[IO[str]] = []


def release_stale_lock(state: Path) -> bool:
    """Remove Snakemake's lock files below `state` (".snakemake") unless their owner is alive.

    Returns:
        Whether this process is now the only one that works in this directory.
    """
    if _held:
        return True
    state.mkdir(parents=True, exist_ok=True)
    # Held until the process ends: closing the file would give the lock back.
    handle = (state / "wavbrivl.alive").open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return False
    _held.append(handle)
    for lock in (state / "locks").glob("*.lock"):
        lock.unlink(missing_ok=True)
    os.utime(handle.fileno())
    return True
