"""The embeddings of one dataset by one encoder as one file, which every task reads and none computes.

A file holds `embedding` [n, dim], `projection` [n, teacher_dim] where the encoder has one, `items`,
the names of the n sounds in order, and `excluded`, the sounds that could not be read, with causes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.result import Exclusion, Part
from wavbrivl.files import atomic

_TEXTS = ("encoder", "items", "excluded", "parts")


@dataclass(frozen=True)
class Matrix:
    """Embeddings and the sounds that they belong to.

    Attributes:
        encoder: name of the encoder.
        items: names of the sounds, [n].
        embedding: [n, dim] float32.
        projection: [n, teacher_dim] float32, or None.
        exclusions: sounds that were left out.
        parts: what they were learnt from, where they are logits of a training.
    """

    encoder: str
    items: list[str]
    embedding: np.ndarray
    projection: np.ndarray | None = None
    exclusions: tuple[Exclusion, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)


def write_matrix(path: Path, matrix: Matrix) -> None:
    """Write one `.npz`; the same content gives the same bytes."""
    arrays = {"embedding": matrix.embedding.astype(np.float32, copy=False)}
    if matrix.projection is not None:
        arrays["projection"] = matrix.projection.astype(np.float32, copy=False)
    excluded = json.dumps([exclusion.model_dump() for exclusion in matrix.exclusions])
    parts = json.dumps({name: part.model_dump(mode="json") for name, part in matrix.parts.items()})
    texts = {
        "encoder": matrix.encoder,
        "items": json.dumps(matrix.items),
        "excluded": excluded,
        "parts": parts,
    }
    with atomic(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **arrays, **{name: np.frombuffer(t.encode(), np.uint8) for name, t in texts.items()})


def read_matrix(path: Path, items: Sequence[str] | None = None) -> Matrix:
    """Read what `write_matrix` wrote.

    Args:
        items: the sounds that it must hold, in order; None takes it as it is.

    Raises:
        UserError: the file is no such matrix, or belongs to other sounds.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            texts = {name: arrays[name].tobytes().decode() for name in _TEXTS}
            matrix = Matrix(
                encoder=texts["encoder"],
                items=json.loads(texts["items"]),
                embedding=arrays["embedding"],
                projection=arrays.get("projection"),
                exclusions=tuple(Exclusion(**entry) for entry in json.loads(texts["excluded"])),
                parts={name: Part(**part) for name, part in json.loads(texts["parts"]).items()},
            )
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a matrix of embeddings ({str(error)[:200]})") from None
    if len(matrix.items) != len(matrix.embedding):
        raise UserError(f"{path}: {len(matrix.embedding)} rows and {len(matrix.items)} names of sounds")
    if items is not None and list(items) != matrix.items:
        raise UserError(f"{path}: its sounds are not those that are asked for, in their order")
    return matrix
