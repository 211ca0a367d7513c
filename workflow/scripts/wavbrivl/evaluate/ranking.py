"""Ranks in which ties count at their expectation, and what chance scores.

Where the item that is looked for shares its score with others, every order among them is equally
likely. So with `better` items strictly above it and `tied` items at its score (itself included),
its rank is uniform on better + 1 ... better + tied, and each metric is the expectation over that
range: the mean of 1/r for the MRR (not one over the mean rank), the share of the range that lies
within k for recall at k, the middle for the rank itself. A constant encoder then scores chance,
exactly, instead of the lucky or unlucky end that a sort would give it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TIE = 1e-10
"""Scores closer than this are equal. Products of unit vectors are summed in float64, where the same
vectors at different places of a matrix product differ by about 1e-16 and distinct ones by far more."""


@dataclass(frozen=True)
class Ranks:
    """Where each query's own item stands.

    Attributes:
        better: items with a higher score, [n] int64.
        tied: items with the same score, the own one included, [n] int64, at least 1.
        gallery: how many items were ranked.
    """

    better: np.ndarray
    tied: np.ndarray
    gallery: int

    def reciprocal(self) -> np.ndarray:
        """Expected reciprocal rank of each query, [n]; its mean is the MRR."""
        harmonic = harmonic_numbers(self.gallery)
        return (harmonic[self.better + self.tied] - harmonic[self.better]) / self.tied

    def hits(self, k: int) -> np.ndarray:
        """Probability that the own item is among the first k, [n]; its mean is recall at k."""
        return np.clip(k - self.better, 0, self.tied) / self.tied

    def expected(self) -> np.ndarray:
        """Expected rank, [n], counted from 1."""
        return self.better + (self.tied + 1) / 2


def ranks_of_pairs(queries: np.ndarray, gallery: np.ndarray, chunk: int = 512) -> Ranks:
    """Rank the whole gallery for each query by cosine; item i of the gallery belongs to query i.

    Args:
        queries: [n, dim], any float type, any length of rows.
        gallery: [n, dim].
        chunk: queries scored side by side. Memory is that of the gallery in float64 and
            `chunk` x n scores: 15,446 x 15,446 at 2048 dimensions stays below 1 GiB.
    """
    if queries.shape != gallery.shape:
        raise ValueError(f"queries {queries.shape} and gallery {gallery.shape} are not pairs")
    columns = unit(gallery).T
    blocks = []
    for start in range(0, len(queries), chunk):
        scores = unit(queries[start : start + chunk]) @ columns
        blocks.append(ranks_from_scores(scores, np.arange(start, start + len(scores))))
    better = np.concatenate([block.better for block in blocks])
    return Ranks(better, np.concatenate([block.tied for block in blocks]), len(gallery))


def ranks_both_ways(first: np.ndarray, second: np.ndarray, chunk: int = 512) -> tuple[Ranks, Ranks]:
    """Rank `second` for each row of `first` and `first` for each row of `second`, scoring each pair once.

    Item i of one belongs to item i of the other. Arguments and memory as in `ranks_of_pairs`.
    """
    if first.shape != second.shape:
        raise ValueError(f"{first.shape} and {second.shape} are not pairs")
    n = len(first)
    columns = unit(second).T
    starts = range(0, n, chunk)
    own = np.concatenate([_own_scores(first[i : i + chunk], columns[:, i : i + chunk]) for i in starts])
    rows, better, reached = [], np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for start in starts:
        scores = unit(first[start : start + chunk]) @ columns
        rows.append(ranks_from_scores(scores, np.arange(start, start + len(scores))))
        better += (scores > own + TIE).sum(axis=0)
        reached += (scores >= own - TIE).sum(axis=0)
    forwards = Ranks(
        np.concatenate([block.better for block in rows]), np.concatenate([block.tied for block in rows]), n
    )
    return forwards, Ranks(better, reached - better, n)


def ranks_from_scores(scores: np.ndarray, own: np.ndarray) -> Ranks:
    """Where column `own[i]` stands in row i of scores [n, m]; higher is better."""
    scores = np.asarray(scores, dtype=np.float64)
    target = np.take_along_axis(scores, np.asarray(own)[:, None], axis=1)
    better = (scores > target + TIE).sum(axis=1)
    reached = (scores >= target - TIE).sum(axis=1)
    return Ranks(better, reached - better, scores.shape[1])


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length one, in float64; rows of zeros stay zero, so they tie with everything."""
    vectors = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def harmonic_numbers(n: int) -> np.ndarray:
    """H_0 ... H_n, [n + 1], with H_0 = 0."""
    return np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, n + 1))])


def chance_reciprocal(gallery: int) -> float:
    """MRR of a constant encoder: H_n / n."""
    return float(harmonic_numbers(gallery)[-1] / gallery)


def chance_hits(gallery: int, k: int) -> float:
    """Recall at k of a constant encoder."""
    return min(k, gallery) / gallery


def chance_rank(gallery: int) -> float:
    """Median rank of a constant encoder."""
    return (gallery + 1) / 2


def class_only_reciprocal(labels: Sequence[str]) -> float:
    """MRR that perfect knowledge of the class alone gives on this gallery.

    The n members of a query's class come first in random order: H_n / n, averaged over queries.
    """
    sizes = _class_sizes(labels)
    return float(np.mean(harmonic_numbers(int(sizes.max()))[sizes] / sizes))


def class_only_hits(labels: Sequence[str], k: int) -> float:
    """Recall at k that perfect knowledge of the class alone gives."""
    sizes = _class_sizes(labels)
    return float(np.mean(np.minimum(k, sizes) / sizes))


def class_only_rank(labels: Sequence[str]) -> float:
    """Median over queries of the expected rank that perfect knowledge of the class alone gives."""
    return float(np.median((_class_sizes(labels) + 1) / 2))


def _own_scores(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Cosine of row i and column i; it differs from a matrix product's by far less than a tie."""
    return np.einsum("ij,ji->i", unit(rows), columns)


def _class_sizes(labels: Sequence[str]) -> np.ndarray:
    """For each query, how many items of the gallery share its label."""
    _, index, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    return counts[index]
