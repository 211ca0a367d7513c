"""Does a drawing keep more of its sound than the class? Correlation of hidden parameters within classes."""

from collections.abc import Sequence

import numpy as np

from wavbrivl.evaluate.intervals import Difference, Statistic, interval, value_of


def within_class_correlation(read: np.ndarray, truth: np.ndarray, labels: Sequence[str]) -> Statistic:
    """Correlation of two parameters after the mean of each class is taken away.

    What the class alone tells scores 0; a constant scores 0 too.

    Args:
        read: the parameter as the judge reads it off the images, [n].
        truth: the parameter behind the sounds, [n].
        labels: classes of the sounds, [n].
    """
    members = _members(labels)
    x, y = (np.asarray(values, dtype=np.float64) for values in (read, truth))

    def statistic(weights: np.ndarray) -> np.ndarray:
        weights = weights.astype(np.float64)
        xy = _covariance(weights, x, y, members)
        scale = np.sqrt(_covariance(weights, x, x, members) * _covariance(weights, y, y, members))
        return np.divide(xy, scale, out=np.zeros_like(xy), where=scale > 1e-12)

    return statistic


def mean_of_statistics(statistics: Sequence[Statistic]) -> Statistic:
    """The mean of several statistics on the same items."""
    return lambda weights: np.mean([statistic(weights) for statistic in statistics], axis=0)


def difference_of(
    first: Statistic, second: Statistic, groups: Sequence[str], resamples: int, seed: int
) -> Difference:
    """First minus second on the same items; the interval draws both together."""

    def statistic(weights: np.ndarray) -> np.ndarray:
        return first(weights) - second(weights)

    return Difference(value_of(statistic, len(groups)), interval(statistic, groups, resamples, seed))


def _members(labels: Sequence[str]) -> np.ndarray:
    """Which class each item is of, one column a class, [n, classes]."""
    names, index = np.unique(np.asarray(labels), return_inverse=True)
    return np.eye(len(names))[index]


def _covariance(weights: np.ndarray, x: np.ndarray, y: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Weighted sum of the products of deviations from the class means, [b]."""
    size = weights @ members
    sums = [weights @ (members * values[:, None]) for values in (x, y)]
    lost = np.divide(sums[0] * sums[1], size, out=np.zeros_like(size), where=size > 0)
    return weights @ (x * y) - lost.sum(axis=1)
