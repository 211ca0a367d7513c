"""How far drawn images are from real ones, on features of a named network: FID, KID, Inception Score.

Numbers of different networks are not comparable, so whoever calls these keeps the network's name beside them.
"""

from itertools import pairwise

import numpy as np

KID_DEGREE = 3
_BLOCK = 2048


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Frechet distance between Gaussians fitted to two sets of features (Heusel et al., 2017).

    The trace of the square root of the product of both covariances is the sum of the singular values of
    R1 R2', where R'R = X'X for the centred features X. No covariance is formed and no root of a nearly
    singular matrix is taken, so it is as exact for fewer images than dimensions as for more.

    Args:
        first, second: features [n, d] and [m, d]; n and m at least 2.

    Raises:
        ValueError: the widths differ, or a set holds fewer than two rows.
    """
    _check_pair(first, second)
    means = [np.mean(x, axis=0, dtype=np.float64) for x in (first, second)]
    roots = [_root(x, mean) for x, mean in zip((first, second), means, strict=True)]
    shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    gap = means[0] - means[1]
    distance = gap @ gap + sum(float(np.sum(root**2)) for root in roots) - 2 * shared
    return float(max(distance, 0.0))


def kernel_distance(first: np.ndarray, second: np.ndarray) -> float:
    """KID: the unbiased squared MMD with the kernel (x'y / d + 1)^3 (Binkowski et al., 2018).

    Over all images at once rather than a mean over random subsets, whose expectation it is. It may be
    slightly negative where both sets are alike.

    Args:
        first, second: features [n, d] and [m, d]; n and m at least 2.

    Raises:
        ValueError: the widths differ, or a set holds fewer than two rows.
    """
    _check_pair(first, second)
    first, second = (np.asarray(x, dtype=np.float64) for x in (first, second))
    n, m = len(first), len(second)
    within = _kernel_sum(first, first) - _kernel_diagonal(first)
    within_second = _kernel_sum(second, second) - _kernel_diagonal(second)
    across = _kernel_sum(first, second)
    return float(within / (n * (n - 1)) + within_second / (m * (m - 1)) - 2 * across / (n * m))


def inception_score(logits: np.ndarray, splits: int, seed: int) -> float:
    """exp of the mean divergence between p(y|x) and p(y) (Salimans et al., 2016), averaged over splits.

    Args:
        logits: class scores before the softmax, [n, classes].
        splits: parts that the shuffled images are divided into; 1 for few images, 10 as published.
        seed: of the shuffle, which matters only with several splits.

    Raises:
        ValueError: there are fewer images than splits.
    """
    if splits < 1 or len(logits) < splits:
        raise ValueError(f"an inception score of {len(logits)} images cannot have {splits} splits")
    order = np.random.RandomState(seed).permutation(len(logits))
    logs = _log_softmax(np.asarray(logits, dtype=np.float64)[order])
    ends = [i * len(logs) // splits for i in range(splits + 1)]
    return float(np.mean([_score(logs[a:b]) for a, b in pairwise(ends)]))


def _check_pair(first: np.ndarray, second: np.ndarray) -> None:
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"features of shape {first.shape} and {second.shape} cannot be compared")
    if min(len(first), len(second)) < 2:
        raise ValueError(f"{len(first)} and {len(second)} images: a distance needs two of each")


def _root(features: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """R [min(n, d), d] with R'R the covariance of the features."""
    centred = np.asarray(features, dtype=np.float64) - mean
    return np.linalg.qr(centred, mode="r") / np.sqrt(len(features) - 1)


def _kernel_sum(first: np.ndarray, second: np.ndarray) -> float:
    """Sum of the kernel over all pairs, a block of rows at a time."""
    width = first.shape[1]
    blocks = (first[i : i + _BLOCK] @ second.T for i in range(0, len(first), _BLOCK))
    return float(sum(((products / width + 1) ** KID_DEGREE).sum() for products in blocks))


def _kernel_diagonal(features: np.ndarray) -> float:
    return float(((np.sum(features**2, axis=1) / features.shape[1] + 1) ** KID_DEGREE).sum())


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _score(logs: np.ndarray) -> float:
    p = np.exp(logs)
    mean = np.log(p.mean(axis=0, keepdims=True))
    # A class that no image has is minus infinity in both; 0 times that is 0 here, not NaN.
    terms = np.where(p > 0, p * (logs - np.where(np.isfinite(mean), mean, 0)), 0)
    return float(np.exp(terms.sum(axis=1).mean()))
