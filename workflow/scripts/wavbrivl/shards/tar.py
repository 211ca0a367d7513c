"""Tar archives that depend on nothing but their content: USTAR, fixed times, owners and modes."""

import hashlib
import tarfile
from pathlib import Path
from typing import BinaryIO

_BLOCK = 512
_CHUNK = 1 << 20


class TarWriter:
    """Write members in the order given; know where each lies and the checksum of the whole.

    Args:
        handle: a file opened for writing in binary.
    """

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self._digest = hashlib.sha256()
        self._position = 0

    def add(self, name: str, data: bytes) -> tuple[int, int]:
        """Add a member from memory; return offset and size of its content."""
        self._put(_header(name, len(data)))
        offset = self._position
        self._put(data)
        self._pad(_BLOCK)
        return offset, len(data)

    def add_file(self, name: str, path: Path) -> None:
        """Add a member from a file, without holding it in memory."""
        size = path.stat().st_size
        self._put(_header(name, size))
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK):
                self._put(chunk)
        self._pad(_BLOCK)

    def finish(self) -> str:
        """Write the end mark; return the SHA-256 of the archive."""
        self._put(bytes(2 * _BLOCK))
        self._pad(tarfile.RECORDSIZE)
        self._handle.flush()
        return self._digest.hexdigest()

    def _pad(self, unit: int) -> None:
        self._put(bytes(-self._position % unit))

    def _put(self, data: bytes) -> None:
        self._handle.write(data)
        self._digest.update(data)
        self._position += len(data)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
