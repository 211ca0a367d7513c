"""Progress of long work, as lines: readable in a terminal, in a log file and on a cluster."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
logger = logging.getLogger("wavbrivl")


def track(items: Iterable[T], what: str, total: int | None = None, every: float = 5.0) -> Iterator[T]:
    """Yield `items`, logging how far it is, how fast and how long it still takes.

    Args:
        items: what is worked through.
        what: a noun for the log, such as "clips".
        total: how many there are; taken from `items` where it has a length.
        every: seconds between two lines.
    """
    if total is None and hasattr(items, "__len__"):
        total = len(items)  # type: ignore[arg-type]
    start = last = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= every:
            last = now
            logger.info(_line(what, done, total, now - start))
    logger.info(_line(what, done, total, time.monotonic() - start))


def _line(what: str, done: int, total: int | None, seconds: float) -> str:
    rate = done / max(seconds, 1e-9)
    text = f"{what}: {done}" + (f" of {total}" if total else "") + f", {rate:.1f}/s"
    if total and done < total and rate > 0:
        text += f", {(total - done) / rate:.0f} s left"
    return text
