"""A search index: vectors of the shared space with an id and metadata each, exact by FAISS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wavbrivl.api.index_files import Stored, read_index, write_index
from wavbrivl.errors import UserError


@dataclass(frozen=True)
class Hit:
    """One thing that was found.

    Attributes:
        id: its id in the index.
        score: cosine between it and the query.
        metadata: what was stored with it.
    """

    id: str
    score: float
    metadata: Mapping[str, Any] = field(default_factory=dict)


class SearchIndex:
    """Images, sounds or both, found by whatever has a vector in the same space.

    Make one with `build` or `load`.

    Attributes:
        ids: one string an item, all different.
        metadata: one mapping an item.
        about: facts about the whole, such as `kind` and `teacher`.
        dim: width of the vectors.
    """

    def __init__(self, stored: Stored) -> None:
        """Index what is stored.

        Raises:
            UserError: an id twice, or a vector that is zero or not finite.
        """
        import faiss

        self.ids, self.metadata, self.about = stored.ids, stored.metadata, stored.about
        _refuse_twice(self.ids)
        self.dim = stored.vectors.shape[1]
        self._index = faiss.IndexFlatIP(self.dim)
        self._index.add(_unit(stored.vectors, "the vector"))

    @classmethod
    def build(
        cls,
        vectors: Any,
        ids: Sequence[str],
        metadata: Sequence[Mapping[str, Any]] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> "SearchIndex":
        """Make an index.

        Args:
            vectors: [n, dim]; they are scaled to unit length. Of embedded sounds the projection is taken.
            ids: n different strings, such as paths.
            metadata: n mappings that JSON can hold, returned with each hit.
            about: facts about the whole that JSON can hold.

        Raises:
            UserError: nothing to index, counts that differ, an id twice, a vector that is zero or not finite.
        """
        vectors = _matrix(vectors)
        if not vectors.size:
            raise UserError("there is nothing to index")
        details = [{} for _ in ids] if metadata is None else [dict(item) for item in metadata]
        counts = (len(vectors), len(ids), len(details))
        if len(set(counts)) > 1:
            raise UserError("{} vectors, {} ids and {} metadata do not go together".format(*counts))
        return cls(Stored(vectors, [str(name) for name in ids], details, dict(about or {})))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def vectors(self) -> np.ndarray:
        """float32 [n, dim], unit length, in the order of `ids` (a copy)."""
        return self._index.reconstruct_n(0, len(self))

    def search(self, queries: Any, k: int = 10) -> list[list[Hit]]:
        """The k nearest items of each query by cosine.

        Args:
            queries: [m, dim], or one vector [dim]; of embedded sounds the projection is taken.
            k: at least 1; an index with fewer items gives all of them.

        Returns:
            m lists, the best first, equal scores in the order of the index.

        Raises:
            UserError: another width, a query that is zero or not finite, or k below 1.
        """
        vectors = _matrix(queries)
        if k < 1:
            raise UserError(f"k must be at least 1, not {k}")
        if not len(vectors):
            return []
        if vectors.shape[1] != self.dim:
            raise UserError(f"a query of {vectors.shape[1]} values does not fit an index of {self.dim}")
        scores, rows = self._index.search(_unit(vectors, "the query"), min(k, len(self)))
        return [self._hits(*pair) for pair in zip(scores.tolist(), rows.tolist(), strict=True)]

    def save(self, folder: Path | str) -> None:
        """Write the index as a folder, whole or not at all; an older index there is replaced.

        Raises:
            UserError: the folder holds something else.
        """
        write_index(Path(folder), Stored(self.vectors, self.ids, self.metadata, self.about))

    @classmethod
    def load(cls, folder: Path | str) -> "SearchIndex":
        """Read what `save` wrote.

        Raises:
            UserError: a file is missing or damaged, or they do not go together.
        """
        return cls(read_index(Path(folder)))

    def _hits(self, scores: list[float], rows: list[int]) -> list[Hit]:
        found = sorted(zip(scores, rows, strict=True), key=lambda pair: (-pair[0], pair[1]))
        return [Hit(self.ids[row], score, self.metadata[row]) for score, row in found]


def _matrix(vectors: Any) -> np.ndarray:
    matrix = np.atleast_2d(np.asarray(getattr(vectors, "projection", vectors), dtype=np.float32))
    if matrix.ndim != 2:
        raise UserError(f"vectors have the shape [n, dim], not {list(matrix.shape)}")
    return matrix


def _unit(vectors: np.ndarray, what: str) -> np.ndarray:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    odd = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
    if len(odd):
        raise UserError(f"{what} in row {odd[0]} is zero or not finite")
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)


def _refuse_twice(ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise UserError(f"the id '{name}' stands twice in the index")
        seen.add(name)
