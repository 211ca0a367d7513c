"""Fetch one set of weights: listed, downloaded, checked, and only then the folder is put in place."""

import logging
import re
import shutil
from pathlib import Path

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.download import digest_of, download
from wavbrivl.errors import UserError
from wavbrivl.files import write_json
from wavbrivl.progress import track
from wavbrivl.weights.hub import LISTING_LIMIT, choose, file_address, listing_address, read_listing
from wavbrivl.weights.places import RECORD
from wavbrivl.weights.registry import ON_THE_HUB, Weights

logger = logging.getLogger(__name__)
_MARK = ".fetched"  # a folder with this file in it was made here and may be replaced
_PREFIX = re.compile(r"-([0-9a-f]{8,64})\.pth$")


def fetch_weights(name: str, entry: Weights, folder: Path, spool: Path, fetch: FetchConfig) -> None:
    """Make `folder` with the wanted files and a record of what they are.

    Downloads lie in `spool` until all are there, so a killed job goes on where it was.

    Args:
        folder: must not hold anything that was not fetched here.
        spool: shared by all weights; also holds the blocks of hosts.
        fetch: attempts and time limits; its pace is a video host's, and not kept here.

    Raises:
        UserError: one sentence: a file cannot be had, is not what was pinned, or is too large.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise UserError(f"{folder} holds files that were not fetched here; move them away")
    mine, patient = spool / name, fetch.model_copy(update={"videos_per_hour": None})
    made = mine / (entry.revision or "files")
    licence = entry.licence
    if entry.repo:
        rows, stated = _from_hub(entry, made, spool, patient)
        licence = stated if stated and licence == ON_THE_HUB else licence
    else:
        rows = _from_addresses(entry, made, spool, patient)
    (made / _MARK).touch()
    write_json(made / RECORD, _record(name, entry, licence, rows))
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made.rename(folder)
    shutil.rmtree(mine)


def _from_hub(
    entry: Weights, made: Path, spool: Path, fetch: FetchConfig
) -> tuple[list[dict[str, object]], str | None]:
    """The files' rows, and the licence that the repository's card states."""
    listing = made.with_name("listing.json")
    listing.unlink(missing_ok=True)
    _get(listing_address(entry), listing, LISTING_LIMIT, None, spool, fetch)
    told = read_listing(listing.read_text(encoding="utf-8", errors="replace"), entry)
    files = choose(told.files, entry)
    for file in track(files, f"files of {entry.repo}"):
        _get(file_address(entry, file.path), made / file.path, file.bytes, file.checksum, spool, fetch)
    return [_row(made, file.path, checked=True) for file in files], told.licence


def _from_addresses(entry: Weights, made: Path, spool: Path, fetch: FetchConfig) -> list[dict[str, object]]:
    rows = []
    for file in track(entry.addresses, "files"):
        path = made / file.name
        _get(file.address, path, file.limit, file.checksum, spool, fetch)
        row = _row(made, file.name, checked=file.checksum is not None)
        stated = _PREFIX.search(file.name)
        if stated and not str(row["sha256"]).startswith(stated[1]):
            path.unlink()
            raise UserError(f"{file.address} gave a file whose sha256 does not begin with {stated[1]}")
        rows.append(row | {"address": file.address, "checked": bool(row["checked"] or stated)})
    return rows


def _get(
    address: str, path: Path, limit: int, checksum: tuple[str, str] | None, spool: Path, fetch: FetchConfig
) -> None:
    """One file into place; one that is there already was checked when it came."""
    if path.exists():
        return
    try:
        download(address, path, limit, checksum, fetch, spool)
    except SourceError as error:
        raise UserError(f"{address} could not be fetched, {error.status}: {error.cause}") from None


def _row(made: Path, path: str, checked: bool) -> dict[str, object]:
    place = made / path
    return {
        "name": path,
        "bytes": place.stat().st_size,
        "sha256": digest_of(place, "sha256"),
        "checked": checked,
    }


def _record(name: str, entry: Weights, licence: str, rows: list[dict[str, object]]) -> dict[str, object]:
    origin = {"repo": entry.repo, "commit": entry.revision} if entry.repo else {}
    return {"name": name, "title": entry.title, "licence": licence, **origin, "files": rows}
