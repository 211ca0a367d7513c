"""What is drawn from: vectors in the teacher's space and texts, and the names that results go under."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.files import atomic
from wavbrivl.generate.study import Kind

_NAMES = ("items", "labels", "groups", "sources", "source_labels", "variants", "texts")


@dataclass(frozen=True)
class Conditions:
    """What a study draws from; all attributes in the same order.

    Attributes:
        kind: what the vectors are: g(audio), text or image embeddings. `unconditional`: the generator
            must not see them, they only tell the score of what was drawn without them.
        items: clips whose places the pictures take, or names of texts, [n].
        labels: their classes, for bookkeeping only, [n].
        groups: source recordings (video ids), which intervals are clustered by, [n].
        sources: clips that the vectors are of, [n]; the items themselves in most studies.
        source_labels: their classes, [n].
        variants: what was done to the sources, such as `gain=-20`, or "", [n].
        texts: what the sources say in the teacher's language (a zero-shot label, or the text itself), [n];
            a generator uses them or not. "" where there is none.
        vectors: float32 [n, dim] of unit length, or None.

    Raises:
        ValueError: lengths that differ, or an unknown kind.
    """

    kind: Kind
    items: list[str]
    labels: list[str]
    groups: list[str]
    sources: list[str]
    source_labels: list[str]
    variants: list[str]
    texts: list[str]
    vectors: np.ndarray | None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, got '{self.kind}'")
        lengths = {name: len(getattr(self, name)) for name in _NAMES}
        if self.vectors is not None:
            lengths["vectors"] = len(self.vectors)
        if len(set(lengths.values())) > 1:
            raise ValueError(f"conditions of different lengths: {lengths}")
        if self.vectors is None and self.kind != "unconditional":
            raise ValueError(f"conditions of kind '{self.kind}' need vectors")

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: Sequence[int]) -> "Conditions":
        """Some of them, in that order."""
        chosen = {name: [getattr(self, name)[i] for i in rows] for name in _NAMES}
        vectors = None if self.vectors is None else self.vectors[list(rows)]
        return Conditions(self.kind, **chosen, vectors=vectors)


def plain_conditions(
    kind: Kind, items: Sequence[str], labels: Sequence[str], vectors: np.ndarray | None
) -> Conditions:
    """Conditions of items that are their own sources and recordings, without texts."""
    items, labels, empty = list(items), list(labels), [""] * len(items)
    return Conditions(kind, items, labels, items, items, labels, empty, empty, vectors)


def write_conditions(path: Path, conditions: Conditions) -> None:
    """Write one `.npz`, or none."""
    arrays = {name: np.array(getattr(conditions, name), dtype=np.str_) for name in _NAMES}
    arrays["kind"] = np.array(conditions.kind)
    if conditions.vectors is not None:
        arrays["vectors"] = conditions.vectors.astype(np.float32)
    with atomic(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **arrays)


def read_conditions(path: Path) -> Conditions:
    """Read what `write_conditions` wrote; nothing in it is unpickled.

    Raises:
        UserError: it is missing, damaged or inconsistent.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            names = {name: [str(value) for value in file[name]] for name in _NAMES}
            vectors = file["vectors"] if "vectors" in file.files else None
            return Conditions(str(file["kind"]), **names, vectors=vectors)  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, EOFError, TypeError) as error:
        raise UserError(f"{path} cannot be read as conditions of drawings ({error})") from None
