"""A search index on disk: a folder of vectors.npy, items.jsonl and index.json.

FAISS's own file format is not used, because its reader trusts what it reads; here every file is
checked and nothing in it is run.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.files import read_json, write_json

FORMAT = 1
FILES = {"vectors.npy", "items.jsonl", "index.json"}


class Stored(NamedTuple):
    """Vectors float32 [n, dim], an id and metadata for each, facts about the whole."""

    vectors: np.ndarray
    ids: list[str]
    metadata: list[dict[str, Any]]
    about: dict[str, Any]


def write_index(folder: Path, stored: Stored) -> None:
    """Write the folder, whole or not at all; an older index there is replaced.

    Raises:
        UserError: the folder holds something else.
    """
    if folder.exists() and not (folder.is_dir() and {p.name for p in folder.iterdir()} <= FILES):
        raise UserError(f"{folder} is there and is no search index; name another folder")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    np.save(part / "vectors.npy", stored.vectors, allow_pickle=False)
    _write_items(part / "items.jsonl", stored.ids, stored.metadata)
    items, dim = stored.vectors.shape
    write_json(part / "index.json", {"format": FORMAT, "items": items, "dim": dim, "about": stored.about})
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def read_index(folder: Path) -> Stored:
    """Read what `write_index` wrote.

    Raises:
        UserError: a file is missing or damaged, or they do not go together.
    """
    facts = _read_facts(folder)
    ids, metadata = _read_items(folder / "items.jsonl")
    vectors = _read_vectors(folder / "vectors.npy")
    if vectors.shape != (facts["items"], facts["dim"]) or len(ids) != facts["items"]:
        raise UserError(
            f"{folder}: vectors {list(vectors.shape)} and {len(ids)} items do not go with index.json "
            f"({facts['items']} of {facts['dim']} values)"
        )
    return Stored(vectors, ids, metadata, facts["about"])


def _write_items(path: Path, ids: Sequence[str], metadata: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        for name, details in zip(ids, metadata, strict=True):
            handle.write(json.dumps({"id": name, "metadata": details}, ensure_ascii=False) + "\n")


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / "index.json"
    try:
        values = read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{folder} is no search index: index.json is missing") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as JSON ({error})") from None
    kinds = {"format": int, "items": int, "dim": int, "about": dict}
    if not isinstance(values, dict) or any(not isinstance(values.get(k), kind) for k, kind in kinds.items()):
        raise UserError(f"{path} does not describe a search index")
    if values["format"] != FORMAT:
        raise UserError(f"{path}: format {values['format']} is not {FORMAT}, which this version reads")
    return values


def _read_items(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    ids, metadata = [], []
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            for line, text in enumerate(handle, start=1):
                item = json.loads(text)
                if not isinstance(item, dict) or not isinstance(item.get("id"), str):
                    raise UserError(f"{path}, line {line}: an item needs an id")
                ids.append(item["id"])
                metadata.append(dict(item.get("metadata") or {}))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read as items ({error})") from None
    return ids, metadata


def _read_vectors(path: Path) -> np.ndarray:
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} cannot be read as vectors ({str(error).splitlines()[0]})") from None
    fits = isinstance(vectors, np.ndarray) and vectors.dtype == np.float32 and vectors.ndim == 2
    if not fits or not vectors.size:
        raise UserError(f"{path} holds no matrix of float32")
    return vectors
