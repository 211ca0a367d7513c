"""One pace for all jobs: videos of a host are asked for in turn, at most so many in an hour."""

import fcntl
import json
import time
from pathlib import Path

from wavbrivl.corpus.block import host_file


def wait_for_turn(folder: Path, host: str, per_hour: int | None) -> float:
    """Take the next free moment of this host, and sleep until it comes.

    The moments lie evenly spaced; a file under a lock holds the next one, so that any number of
    threads and jobs share one pace. The file system must know `flock`, across machines too where
    jobs run on several.

    Args:
        folder: what all fetch jobs share: the spool's parent.
        per_hour: videos an hour; None sets no pace.

    Returns:
        Seconds slept.
    """
    if per_hour is None:
        return 0.0
    moment = _take(host_file(folder, "pace", host), 3600.0 / per_hour)
    seconds = max(0.0, moment - time.time())
    time.sleep(seconds)
    return seconds


def _take(path: Path, spacing: float) -> float:
    """Reserve a moment. A clock that was set back, or a torn file, begins anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        now = time.time()
        moment = _next(handle.read(), now)
        handle.truncate(0)
        handle.write(json.dumps({"last": moment, "next": moment + spacing}))
    return moment


def _next(text: str, now: float) -> float:
    try:
        state = json.loads(text)
        upcoming, last = float(state["next"]), float(state["last"])
    except (ValueError, KeyError, TypeError):
        return now
    return now if last > now + 24 * 3600 else max(now, upcoming)
