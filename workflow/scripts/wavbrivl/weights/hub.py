"""What a repository of the hub holds at a commit, and which of it is wanted."""

import fnmatch
import json
import os
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import quote

from wavbrivl.errors import UserError
from wavbrivl.weights.licence import stated_licence
from wavbrivl.weights.registry import Weights

HUB = "https://huggingface.co"
LISTING_LIMIT = 50_000_000


class HubFile(NamedTuple):
    """One file of a repository: its path there, its bytes, and a checksum's kind and value."""

    path: str
    bytes: int
    checksum: tuple[str, str]


def endpoint() -> str:
    """The hub's address; HF_ENDPOINT names a mirror, as everywhere."""
    return os.environ.get("HF_ENDPOINT", HUB).rstrip("/")


def listing_address(entry: Weights) -> str:
    """Where the files of a commit are listed, with their checksums."""
    return f"{endpoint()}/api/models/{entry.repo}/revision/{entry.revision}?blobs=true"


def file_address(entry: Weights, path: str) -> str:
    """Where one file of a commit lies."""
    return f"{endpoint()}/{entry.repo}/resolve/{entry.revision}/{quote(path)}"


class Listing(NamedTuple):
    """What the hub tells of a commit: its files, and the licence that its card states, if it does."""

    files: list[HubFile]
    licence: str | None


def read_listing(text: str, entry: Weights) -> Listing:
    """The hub's answer about a commit.

    Raises:
        UserError: it is not a listing, or of another commit than the pinned one.
    """
    try:
        content = json.loads(text)
        commit = content["sha"]
        files = [_file(entry) for entry in content["siblings"]]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{listing_address(entry)} is not a list of files ({error!r})") from None
    if commit != entry.revision:
        raise UserError(f"{entry.repo}: the hub answers with commit {commit} instead of {entry.revision}")
    return Listing(files, stated_licence(content.get("cardData")))


def choose(files: Sequence[HubFile], entry: Weights) -> list[HubFile]:
    """What the entry wants of them, in the listing's order; safetensors before pickles.

    Raises:
        UserError: a required file is not there, a path leaves the folder, or all are more than the limit.
    """
    wanted: set[HubFile] = set()
    for pattern in entry.files:
        wanted |= _required(_matching(files, pattern), pattern, entry)
    for pattern in entry.optional:
        wanted |= _matching(files, pattern)
    found = next((some for pattern in entry.weights if (some := _matching(files, pattern))), set())
    if entry.weights:
        wanted |= _required(found, " or ".join(entry.weights), entry)
    chosen = [file for file in files if file in wanted]
    for file in chosen:
        _inside(file.path, entry)
    total = sum(file.bytes for file in chosen)
    if total > entry.limit:
        raise UserError(f"{entry.repo}: {total} bytes are wanted, more than the limit {entry.limit}")
    return chosen


def _required(found: set[HubFile], what: str, entry: Weights) -> set[HubFile]:
    if not found:
        raise UserError(f"{entry.repo} has no {what} at commit {entry.revision}")
    return found


def _matching(files: Sequence[HubFile], pattern: str) -> set[HubFile]:
    """Files whose path matches, folder by folder: `*` does not cross a slash."""
    depth = pattern.count("/")
    return {f for f in files if f.path.count("/") == depth and fnmatch.fnmatchcase(f.path, pattern)}


def _inside(path: str, entry: Weights) -> None:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or "\\" in path or any(part in ("..", ".") for part in parts):
        raise UserError(f"{entry.repo} lists the file {path!r}, which would leave its folder")


def _file(values: dict[str, Any]) -> HubFile:
    """Large files state their sha256, the others git's blob id."""
    large = values.get("lfs")
    if large:
        return HubFile(values["rfilename"], int(large["size"]), ("sha256", large["sha256"]))
    return HubFile(values["rfilename"], int(values["size"]), ("git_blob", values["blobId"]))
