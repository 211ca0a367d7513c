"""Processor seconds, and where those of media extraction go."""

import cProfile
import pstats
import resource
from collections.abc import Callable

PARTS = {  # what it is -> functions, by module and name; what a later one calls is not counted twice
    "tables": ("timeline.py:read_timeline",),
    "sound, decoded": ("decode.py:sound",),
    "sound, resampled": ("decode.py:sound_between",),
    "sound, FLAC": ("extract.py:_flac",),
    "pictures, decoded": ("decode.py:frame",),
    "pictures, scaled, JPEG and PNG": ("picture.py:squares",),
}
_WITHIN = {"sound, resampled": "sound, decoded"}
SHARD = "processes, tar, index, checksums"


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor seconds of this process and of all that it has waited for."""
    before = _used()
    work()
    return _used() - before


def shares(extraction: Callable[[], object], whole: float) -> dict[str, float]:
    """Where the time of a shard's extraction goes: share by part, of all that it takes.

    Args:
        extraction: the same clips in this process alone.
        whole: processor seconds of the shard.
    """
    inner = processor_seconds(extraction)
    profile = cProfile.Profile()
    profile.runcall(extraction)
    stats = pstats.Stats(profile)
    spent = {f"{file.rsplit('/', 1)[-1]}:{name}": row[3] for (file, _, name), row in stats.stats.items()}
    profiled = {part: sum(spent.get(name, 0.0) for name in names) for part, names in PARTS.items()}
    for outer, part in _WITHIN.items():
        profiled[outer] -= profiled[part]
    scale = inner / stats.total_tt  # the profiler's own time, taken off evenly
    found = {part: seconds * scale / whole for part, seconds in profiled.items()}
    found["choice of frames, quality, JSON"] = inner / whole - sum(found.values())
    found[SHARD] = 1.0 - inner / whole
    return {part: round(share, 3) for part, share in found.items()}


def _used() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
