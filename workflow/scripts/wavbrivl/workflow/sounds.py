"""What sound files there are in somebody's folder, so that one that comes later, or is repaired, is noticed.

A folder's time of change says nothing of the folders in it, and thousands of files as inputs would slow every
plan. Times are left out: they differ between machines, and a restored copy is the same data. So a file that
is replaced by another of the same name and size is not noticed.
"""

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def sounds_digest(*folders: str) -> str:
    """Digest of names and sizes of all files below the folders; asked once a process, 10,000 take 0.1 s.

    A folder that is not there holds no files.
    """
    digest = hashlib.sha256()
    for folder in folders:
        for name, size in sorted(_files(folder, len(folder) + 1)):
            digest.update(f"{name}\0{size}\n".encode(errors="surrogateescape"))
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _files(folder: str, skip: int) -> Iterator[tuple[str, int]]:
    """Name below the first folder, and size, of each file; links count as what they lead to."""
    if not Path(folder).is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path, skip)
            elif entry.is_file():
                yield entry.path[skip:], entry.stat().st_size
