"""Clips out of a tar or tar.gz, local or remote, which is streamed once for all shards.

A compressed archive can only be read from its start. So one job reads it, keeps the members that the
manifest wants in one file, and writes where each lies; every shard then reads its clips by offset. A
member is only ever looked up by the last part of its name: nothing is extracted to a path that the
archive says, links and devices are passed over, and sizes are limited.
"""

import re
import shutil
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from wavbrivl.config.corpus import FetchConfig, is_address
from wavbrivl.corpus.block import stop_error
from wavbrivl.corpus.causes import source_error
from wavbrivl.corpus.clip_files import MAX_BYTES, SUFFIXES
from wavbrivl.corpus.clips import read_manifest
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.remote_file import RemoteFile
from wavbrivl.errors import UserError
from wavbrivl.files import atomic, read_json, write_json
from wavbrivl.progress import track

MAX_HEADER = 1 << 20  # of a member's extended header, which tarfile reads into memory
MAX_RATIO = 20  # clips hardly compress: what unpacks to more than this is no archive of clips
MAX_MEMBER = 1 << 34  # passing over a larger one would take minutes
FREE_BYTES = 1 << 28  # ... once it has unpacked to more than this
_CHUNK = 1 << 20
_BROKEN = (tarfile.TarError, zlib.error, EOFError)


@dataclass
class ArchiveIndex:
    """What was collected out of an archive.

    Attributes:
        archive: its path or address.
        members: name without suffix -> offset, size and suffix.
        seen: members of the archive that could be read, wanted or not.
        damage: what stopped the reading before the archive's end, or None.
    """

    archive: str
    members: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    seen: int = 0
    damage: str | None = None


def collect_archive(
    path: str, manifests: Iterable[Path], clips: Path, fetch: FetchConfig, shared: Path
) -> ArchiveIndex:
    """Stream an archive once and keep the members that belong to a manifest's videos.

    Damage ends the reading: what came before it is kept, and the index says what happened.

    Args:
        path: a file, or an address.
        clips: written: the kept members, one after the other; the index is written beside it.
        fetch: time limit and attempts, for an address.
        shared: the folder with the blocks of hosts.

    Raises:
        UserError: it cannot be read at all, is no tar archive, or the host refuses.
    """
    videos = {clip.video_id for manifest in manifests for clip in read_manifest(manifest)}
    index = ArchiveIndex(path)
    try:
        with atomic(clips) as temporary, temporary.open("wb") as out, _open(path, fetch, shared) as stream:
            _collect(stream, videos, out, index)
            if index.damage and not index.seen:
                raise UserError(f"corpus.sources: {path} is not a tar archive of clips: {index.damage}")
    except OSError as error:
        said = source_error(error)
        raise stop_error(shared, None, said) if said.status == Status.DISK_FULL else error from None
    write_json(_index_path(clips), asdict(index))
    return index


def read_index(clips: Path) -> ArchiveIndex:
    """The index beside a file of collected clips."""
    return ArchiveIndex(**read_json(_index_path(clips)))


def _index_path(clips: Path) -> Path:
    return clips.with_suffix(".index.json")


def _open(path: str, fetch: FetchConfig, shared: Path) -> BinaryIO:
    if is_address(path):
        return RemoteFile(path, fetch, shared)  # type: ignore[return-value] - what tarfile needs of a file
    return Path(path).open("rb")


class _Member(tarfile.TarInfo):
    """A member with limits, and an archive whose end is its end mark.

    tarfile would read an extended header of any length into memory, and take damage for the end.
    """

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> "_Member":
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.EmptyHeaderError:  # type: ignore[attr-defined]
            raise tarfile.ReadError("it ends without an end mark") from None
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"no valid header: {error}") from None

    def _proc_member(self, tarfile_: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type not in tarfile.SUPPORTED_TYPES or self.type in tarfile.REGULAR_TYPES:
            return super()._proc_member(tarfile_)  # type: ignore[misc]
        if self.size > MAX_HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(tarfile_)  # type: ignore[misc]


class _Counting:
    """A stream that knows how much has been read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.count = 0

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.count += len(data)
        return data


def _collect(stream: BinaryIO, videos: set[str], out: BinaryIO, index: ArchiveIndex) -> None:
    counted = _Counting(stream)
    try:
        with tarfile.open(fileobj=counted, mode="r|*", tarinfo=_Member) as archive:  # type: ignore[arg-type]
            for member in track(iter(archive.next, None), "archive members"):
                _check_size(member, counted)
                _keep(archive, member, videos, out, index)
                index.seen += 1
                archive.members.clear()  # tarfile remembers every member it has seen
    except _BROKEN as error:
        index.damage = str(error) or type(error).__name__


def _keep(
    archive: tarfile.TarFile, member: tarfile.TarInfo, videos: set[str], out: BinaryIO, index: ArchiveIndex
) -> None:
    """Copy a member, if it is a plain file that is wanted; one cut off by damage is taken back."""
    name = PurePosixPath(member.name)
    plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and name.suffix.lower() in SUFFIXES
    if not plain or name.stem in index.members or not _belongs(name.stem, videos):
        return
    offset = out.tell()
    if member.size > MAX_BYTES:
        index.members[name.stem] = (offset, member.size, name.suffix.lower())  # never read: it is too large
        return
    try:
        shutil.copyfileobj(archive.extractfile(member), out, _CHUNK)  # type: ignore[type-var]
    except _BROKEN:
        out.seek(offset)
        out.truncate()
        raise
    index.members[name.stem] = (offset, member.size, name.suffix.lower())


def _belongs(stem: str, videos: set[str]) -> bool:
    """Whether a name begins with one of the video ids and an underscore; ids hold underscores themselves."""
    return any(stem[: mark.start()] in videos for mark in re.finditer("_", stem[:80]))


def _check_size(member: tarfile.TarInfo, counted: _Counting) -> None:
    if member.size > MAX_MEMBER:
        raise tarfile.ReadError(f"a member of {member.size} bytes")
    if member.offset_data > FREE_BYTES and member.offset_data > MAX_RATIO * counted.count:
        raise tarfile.ReadError(f"it unpacks to more than {MAX_RATIO} times its size")
