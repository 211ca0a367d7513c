"""Intervals: a bootstrap over test items in which items of one recording stay together.

Items cut from the same source recording are not independent, so whole recordings are drawn
(cluster bootstrap; Davison & Hinkley 1997, section 3.8) and percentiles of the resampled
statistic are reported. Everything is a function of item weights, so all resamples of a block
are computed at once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Statistic = Callable[[np.ndarray], np.ndarray]
"""From item weights [b, n] to one value for each resample, [b]."""

_BLOCK = 4_000_000


@dataclass(frozen=True)
class Difference:
    """A paired difference and its 95 % interval."""

    value: float
    ci95: tuple[float, float] | None


def method(resamples: int) -> str:
    """The sentence that goes into every metrics file."""
    return f"percentile bootstrap over test items, clustered by source recording, {resamples} resamples"


def interval(
    statistic: Statistic, groups: Sequence[str], resamples: int, seed: int, centred: bool = False
) -> tuple[float, float] | None:
    """95 % percentile interval of a statistic of item weights.

    Args:
        statistic: from integer item weights [b, n] to values [b]; NaN where a resample has no value.
        groups: the source recording of each item, [n].
        resamples: how many times the recordings are drawn with replacement.
        seed: seed of the draws.
        centred: move the resamples so that their mean is the statistic of the items as they are: for
            statistics that copies of an item bias, such as average precision. Ends stay in [0, 1].

    Returns:
        Lower and upper end, or None where all items come from one recording.
    """
    index, count = _numbered(groups)
    if count < 2:
        return None
    values = np.concatenate([statistic(w[:, index]) for w in _weights(count, len(index), resamples, seed)])
    low, high = np.nanpercentile(values, [2.5, 97.5])
    if centred:
        bias = np.nanmean(values) - value_of(statistic, len(index))
        low, high = max(0.0, low - bias), min(1.0, high - bias)
    return float(low), float(high)


def mean_of(values: np.ndarray) -> Statistic:
    """The mean over items."""
    values = np.asarray(values, dtype=np.float64)
    return lambda weights: (weights @ values) / weights.sum(axis=1)


def median_of(values: np.ndarray) -> Statistic:
    """The median over items (the mean of the two middle ones where their number is even)."""
    order = np.argsort(values, kind="stable")
    ordered = np.asarray(values, dtype=np.float64)[order]

    def statistic(weights: np.ndarray) -> np.ndarray:
        reached = np.cumsum(weights[:, order], axis=1)
        total = reached[:, -1:]
        lower = ordered[np.argmax(reached >= (total + 1) // 2, axis=1)]
        upper = ordered[np.argmax(reached >= total // 2 + 1, axis=1)]
        return (lower + upper) / 2

    return statistic


def fold_mean_of(values: np.ndarray, folds: Sequence[int]) -> Statistic:
    """The mean over folds of the mean inside each fold: the publishers' way to state accuracy."""
    values, folds = np.asarray(values, dtype=np.float64), np.asarray(folds)
    members = np.stack([folds == fold for fold in np.unique(folds)], axis=1).astype(np.float64)

    def statistic(weights: np.ndarray) -> np.ndarray:
        size = weights @ members
        hits = weights @ (members * values[:, None])
        filled = size > 0
        means = np.divide(hits, size, out=np.zeros_like(hits), where=filled)
        return means.sum(axis=1) / filled.sum(axis=1)

    return statistic


def value_of(statistic: Statistic, n: int) -> float:
    """The statistic on the items as they are, each with weight one."""
    return float(statistic(np.ones((1, n), dtype=np.int64))[0])


def paired_difference(
    first: np.ndarray, second: np.ndarray, groups: Sequence[str], resamples: int, seed: int
) -> Difference:
    """Mean of `first - second` on the same items; the interval draws both together.

    Raises:
        ValueError: where the two do not hold the same number of items.
    """
    if len(first) != len(second):
        raise ValueError(f"paired items differ in number: {len(first)} and {len(second)}")
    statistic = mean_of(np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64))
    return Difference(value_of(statistic, len(first)), interval(statistic, groups, resamples, seed))


def _numbered(groups: Sequence[str]) -> tuple[np.ndarray, int]:
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    return index, len(names)


def _weights(count: int, items: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of `count` groups is drawn, [b, count], in blocks of bounded size."""
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK // max(items, count))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = generator.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
