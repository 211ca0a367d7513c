"""Archives from strangers: every member is checked before a byte of it is written, inside one folder."""

import gzip
import shutil
import stat
import subprocess
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from wavbrivl.errors import UserError

MAX_FILES = 1_000_000
MAX_RATIO = 200
"""Unpacked bytes for each byte of the archive; sound and lists stay below 20, a bomb has a thousand."""
_SLACK = 1 << 20  # a small archive may have a higher ratio
_CHUNK = 1 << 20
_SEVEN_ZIP = ("7zz", "7z", "7za", "7zr")
_SEVEN_ZIP_SECONDS = 6 * 3600


class _RefusedError(Exception):
    """A member that must not be unpacked, and why."""


_BROKEN = (
    _RefusedError, zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError,
    NotImplementedError,
)  # fmt: skip


@dataclass
class _Budget:
    """What may still be unpacked."""

    archive: Path
    limit: int
    taken: int = 0
    files: int = 0

    def take(self, n: int) -> None:
        self.taken += n
        if self.taken > self.limit:
            raise _RefusedError(f"it unpacks to more than {self.limit} bytes")
        size = self.archive.stat().st_size
        if self.taken > _SLACK + MAX_RATIO * size:
            raise _RefusedError(f"it unpacks to more than {MAX_RATIO} times its size, as a bomb does")

    def count(self) -> None:
        self.files += 1
        if self.files > MAX_FILES:
            raise _RefusedError(f"it holds more than {MAX_FILES} files")


def unpack(archive: Path, folder: Path, limit: int) -> int:
    """Unpack zip, tar, tar.gz or 7z into a new folder and return the number of files.

    Refused are absolute names, `..`, links, devices, encrypted and sparse members, two members of one
    name (also where only case or accents differ), names with control characters or backslashes, and more
    bytes than `limit` or than is plausible for the archive's size. Nothing is written outside `folder`.

    Raises:
        UserError: names the archive and the member; what was unpacked until then is removed.
    """
    folder.mkdir(parents=True)
    budget = _Budget(archive, limit)
    try:
        _by_kind(archive, folder, budget)
    except _BROKEN as error:
        shutil.rmtree(folder)
        raise UserError(f"{archive.name} is not unpacked: {error or 'it is cut off'}") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return budget.files


def _by_kind(archive: Path, folder: Path, budget: _Budget) -> None:
    with archive.open("rb") as handle:
        head = handle.read(264)
    if head.startswith(b"7z\xbc\xaf\x27\x1c"):
        _unpack_7z(archive, folder, budget)
    elif head.startswith(b"PK"):
        _write_all(_zip_members(archive, budget), folder, budget)
    elif head.startswith(b"\x1f\x8b") or head[257:262] == b"ustar":
        _write_all(_tar_members(archive, budget), folder, budget)
    else:
        raise _RefusedError("it is no zip, tar, tar.gz or 7z archive")


def safe_path(name: str) -> PurePosixPath:
    """The name of a member as a relative path that stays where it is put.

    Raises:
        _RefusedError: it does not.
    """
    shown = repr(name[:80])
    if not name or "\\" in name or not name.isprintable():
        raise _RefusedError(f"the name {shown} is empty or has control characters or backslashes")
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        raise _RefusedError(f"the name {shown} is an absolute path")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or not parts:
        raise _RefusedError(f"the name {shown} leads out of the folder")
    if len(name.encode()) > 1000 or any(len(part.encode()) > 255 for part in parts):
        raise _RefusedError(f"the name {shown} is too long")
    return PurePosixPath(*parts)


class _Readable(Protocol):
    def read(self, size: int) -> bytes: ...


Member = tuple[str, _Readable | None]
"""A name and its content; None for a folder."""


class _Counted:
    """A stream whose bytes are counted as they are read, so that a bomb is noticed while it goes off."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._budget.take(len(data))
        return data


class _Names:
    """The names of an archive, each once, on any file system."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def claim(self, path: PurePosixPath) -> None:
        """Refuse a second member of this name, and one that lies below a file."""
        key = unicodedata.normalize("NFC", str(path)).casefold()
        above = [str(parent) for parent in PurePosixPath(key).parents][:-1]
        if key in self._files or key in self._folders:
            raise _RefusedError(f"two members have the name {str(path)[:80]!r}")
        if not self._files.isdisjoint(above):
            raise _RefusedError(f"{str(path)[:80]!r} lies below a file")
        self._files.add(key)
        self._folders.update(above)


def _write_all(members: Iterator[Member], folder: Path, budget: _Budget) -> None:
    names = _Names()
    for name, content in members:
        path = safe_path(name)
        budget.count()
        if content is None:
            continue
        names.claim(path)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as handle:
            while chunk := content.read(_CHUNK):
                handle.write(chunk)


def _zip_members(archive: Path, budget: _Budget) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _RefusedError(f"{info.filename[:80]!r} is a link or a device")
            if info.flag_bits & 1:
                raise _RefusedError(f"{info.filename[:80]!r} is encrypted")
            if info.orig_filename != info.filename:
                raise _RefusedError(f"the name {info.orig_filename[:80]!r} holds a NUL")
            if info.is_dir():
                yield info.filename, None
                continue
            with opened.open(info) as content:
                yield info.filename, _Counted(content, budget)


def _tar_members(archive: Path, budget: _Budget) -> Iterator[Member]:
    with archive.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        stream = gzip.GzipFile(fileobj=plain) if packed else plain
        # Counted with its headers: an extended header alone can be the bomb.
        with tarfile.open(fileobj=_Counted(stream, budget), mode="r|") as opened:  # type: ignore[arg-type]
            for member in opened:
                if member.isdir():
                    yield member.name, None
                elif not member.isreg() or member.issparse():
                    raise _RefusedError(f"{member.name[:80]!r} is a link, a device or sparse")
                else:
                    yield member.name, opened.extractfile(member)


def _unpack_7z(archive: Path, folder: Path, budget: _Budget) -> None:
    """Through the program 7z: its list is checked first, then what it wrote."""
    program = next((found for name in _SEVEN_ZIP if (found := shutil.which(name))), None)
    if program is None:
        raise _RefusedError("the program 7z is needed for it (conda-forge: 7zip; Debian: p7zip-full)")
    listed = _run_7z([program, "l", "-slt", "-p", str(archive.resolve())])
    names = _Names()
    for entry in _entries(listed):
        path = safe_path(entry["Path"])
        attributes = entry.get("Attributes", "")
        if "L" in attributes or " l" in attributes or entry.get("Symbolic Link") or entry.get("Hard Link"):
            raise _RefusedError(f"{str(path)[:80]!r} is a link")
        if not attributes.startswith("D"):
            budget.count()
            names.claim(path)
            budget.take(int(entry.get("Size") or 0))
    _run_7z([program, "x", "-y", "-p", f"-o{folder.resolve()}", str(archive.resolve())])
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise _RefusedError(f"{path.name[:80]!r} is a link or a device")


def _run_7z(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SEVEN_ZIP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _RefusedError(f"7z took longer than {_SEVEN_ZIP_SECONDS} s") from None
    if done.returncode:
        raise _RefusedError((done.stderr or done.stdout).decode(errors="replace").strip()[-300:])
    return done.stdout.decode(errors="replace")


def _entries(listed: str) -> Iterator[dict[str, str]]:
    """The blocks of `7z l -slt` after the line of dashes."""
    for block in listed.replace("\r\n", "\n").partition("----------\n")[2].split("\n\n"):
        pairs = (line.partition(" = ") for line in block.splitlines() if " = " in line)
        entry = {key: value for key, _, value in pairs}
        if "Path" in entry:
            yield entry
