"""Retrieval in which a query has several right answers, with ties at their expectation.

Items with the same score are in random order, every order equally likely (McSherry and Najork 2008).
Each metric is its expectation over those orders, so that a constant encoder scores exactly chance.
"""

from collections.abc import Iterator
from math import comb

import numpy as np

from wavbrivl.evaluate.ranking import TIE


def hits(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Probability that at least one right answer is among the first k, for each query, [n].

    Args:
        scores: [n, m], higher is better.
        relevant: [n, m] bool, at least one in each row.
        k: how many items are looked at.
    """
    return np.array([_hit(row, right, k) for row, right in zip(scores, relevant, strict=True)])


def average_precision_at(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Average precision of the first k for each query, [n].

    The sum of the precisions at the ranks of the right answers among the first k, divided by as many
    right answers as k ranks can hold: min(k, right answers).
    """
    return np.array([_precision(row, right, k) for row, right in zip(scores, relevant, strict=True)])


def chance_hits(right: int, gallery: int, k: int) -> float:
    """What a constant score gives: some of the first k of a shuffled gallery is right."""
    return _any_of_first(right, gallery, min(k, gallery))


def chance_average_precision(right: int, gallery: int, k: int) -> float:
    """What a constant score gives for `average_precision_at`."""
    return _precision(np.zeros(gallery), np.arange(gallery) < right, k)


def _hit(scores: np.ndarray, relevant: np.ndarray, k: int) -> float:
    for before, _, tied, right in _groups(scores, relevant, k):
        if before + tied <= k and right:
            return 1.0
        if before + tied > k:
            return _any_of_first(right, tied, k - before)
    return 0.0


def _precision(scores: np.ndarray, relevant: np.ndarray, k: int) -> float:
    total = 0.0
    for before, found, tied, right in _groups(scores, relevant, k):
        if not right:
            continue
        share = (right - 1) / (tied - 1) if tied > 1 else 0.0
        for place in range(1, min(tied, k - before) + 1):
            total += right / tied * (found + 1 + (place - 1) * share) / (before + place)
    return total / min(k, int(relevant.sum()))


def _groups(scores: np.ndarray, relevant: np.ndarray, k: int) -> Iterator[tuple[int, int, int, int]]:
    """Sets of tied items, best first, as long as they begin before rank k.

    Yields items before, right ones before, items of the set, right ones among them.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    before = found = 0
    while before < min(k, len(order)):
        end = before + int(np.searchsorted(-ordered[before:], -(ordered[before] - TIE), side="right"))
        right = int(relevant[order[before:end]].sum())
        yield before, found, end - before, right
        before, found = end, found + right


def _any_of_first(right: int, items: int, first: int) -> float:
    """Probability that the first ones of shuffled items hold one that is right."""
    return 1.0 - comb(items - right, first) / comb(items, first)
