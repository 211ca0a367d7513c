"""Fetch a registered dataset: download, check, unpack, count, and only then put the folder in place."""

import logging
import shutil
from pathlib import Path

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.download import digest_of, download
from wavbrivl.corpus.registry import REGISTRY, RegisteredFile, Version, find_version
from wavbrivl.corpus.unpack import unpack
from wavbrivl.errors import UserError
from wavbrivl.files import write_json

logger = logging.getLogger(__name__)
RECORD = "dataset.json"
_MARK = ".registered"  # a folder with this file in it was made here and may be replaced


def fetch_dataset(
    name: str, folder: Path, spool: Path, fetch: FetchConfig, version: str | None = None,
    registry: Path = REGISTRY,
) -> None:  # fmt: skip
    """Make `folder`, in the publisher's layout, with a record of what it was made from.

    Downloads lie in `spool` until the folder is in place, so a killed job goes on where it was.

    Args:
        folder: must not hold anything that was not made here.
        spool: shared by all datasets; also holds the blocks of hosts.

    Raises:
        UserError: no address gave a file, a checksum or a count is wrong, or an archive is not sound.
    """
    dataset, chosen = find_version(name, version, registry)
    if dataset.method == "none":
        file = chosen.files[0]
        raise UserError(
            f"{name} cannot be fetched by a program: {chosen.note}; address {file.address}, folder {folder}"
        )
    _refuse_foreign(folder)
    mine = spool / name
    files = [(file, _get(file, mine, spool, fetch)) for file in chosen.files]
    made = mine / "folder"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for file, path in files:
        _place(file, path, made)
    _check_counts(name, chosen, made)
    (made / _MARK).touch()
    write_json(made / RECORD, _record(name, version or dataset.default, dataset.licence, files))
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    shutil.rmtree(mine)


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise UserError(f"{folder} holds files that were not fetched here; move them away")


def _get(file: RegisteredFile, folder: Path, spool: Path, fetch: FetchConfig) -> Path:
    """Download one file from the first address that gives it."""
    path = folder / "downloads" / file.name
    if path.exists():
        return path
    said = []
    for address in (file.address, *file.archives):
        try:
            download(address, path, file.limit, file.checksum, fetch, spool)
            return path
        except SourceError as error:
            logger.warning("%s: %s", address, error.cause)
            said.append(f"{error.status}: {error.cause}")
    raise UserError(f"{file.name} could not be downloaded: {'; '.join(said)}")


def _place(file: RegisteredFile, path: Path, made: Path) -> None:
    """Put a file, or what its archive holds, into the new folder."""
    if file.unpack is None:
        shutil.copyfile(path, made / file.name)
        return
    unpacked = made.with_name("unpacked")
    shutil.rmtree(unpacked, ignore_errors=True)
    count = unpack(path, unpacked, file.unpack.limit)
    logger.info("%s: %d files", file.name, count)
    root = unpacked / file.unpack.root if file.unpack.root else unpacked
    if not root.is_dir():
        raise UserError(f"{file.name} has no folder {file.unpack.root!r}")
    for entry in sorted(root.iterdir()):
        if (made / entry.name).exists():
            raise UserError(
                f"{file.name} holds {entry.name!r}, which another file of the dataset has brought"
            )
        entry.rename(made / entry.name)
    shutil.rmtree(unpacked)


def _check_counts(name: str, version: Version, made: Path) -> None:
    for place, expected in version.expect.items():
        path = made / place
        if path.is_dir():
            found = sum(1 for entry in path.iterdir() if entry.is_file())
        elif path.is_file():
            found = path.read_bytes().count(b"\n") - 1
        else:
            raise UserError(f"{name}: {place} is not in what was downloaded")
        if found != expected:
            raise UserError(f"{name}: {place} has {found} entries instead of {expected}")


def _record(
    name: str, version: str, licence: str, files: list[tuple[RegisteredFile, Path]]
) -> dict[str, object]:
    """What a reader of a result needs to know of its data; sha256 also where the publisher gives nothing."""
    return {
        "dataset": name,
        "version": version,
        "licence": licence,
        "files": [
            {
                "name": file.name,
                "address": file.address,
                "bytes": path.stat().st_size,
                "sha256": digest_of(path, "sha256"),
                "checked": file.checksum is not None,
            }
            for file, path in files
        ],
    }
