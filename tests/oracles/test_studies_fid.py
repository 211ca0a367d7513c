"""FID, KID and Inception Score against torch-fidelity, and where torch-fidelity's own root fails."""

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

from wavbrivl.studies.fid import frechet_distance, inception_score, kernel_distance


def features(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(d, d)) / np.sqrt(d)
    return (random.normal(size=(n, d)) @ mixing + shift).astype(np.float32)


@pytest.mark.parametrize(("n", "m", "d"), [(300, 200, 24), (90, 400, 64)])
def test_fid_is_torch_fidelitys(n, m, d):
    first, second = features(n, d, 1), features(m, d, 2, 0.3)
    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (first, second)]
    expected = fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]
    assert frechet_distance(first, second) == pytest.approx(expected, abs=1e-3, rel=1e-3)


@pytest.mark.parametrize(("n", "m", "d"), [(40, 30, 128), (20, 200, 96)])
def test_fid_with_fewer_images_than_dimensions_is_the_exact_one(n, m, d):
    first, second = features(n, d, 3).astype(np.float64), features(m, d, 4, 0.1).astype(np.float64)
    a, b = (np.cov(x, rowvar=False) for x in (first, second))
    values, vectors = scipy.linalg.eigh(a)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    inner = scipy.linalg.eigvalsh(root @ b @ root)
    # Eigenvalues that are rounding alone would add their roots, 1e-8 each, a hundred times.
    inner = inner[inner > 1e-10 * inner.max()]
    gap = first.mean(axis=0) - second.mean(axis=0)
    expected = gap @ gap + np.trace(a) + np.trace(b) - 2 * np.sqrt(inner).sum()
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)


def test_fid_of_a_rotated_and_scaled_gaussian_is_the_closed_form():
    """In one dimension: (difference of means)^2 + (difference of deviations)^2."""
    line = np.linspace(-1, 1, 50)[:, None] * np.eye(1, 400)  # 50 images in 400 dimensions, on one line
    deviation = line[:, 0].std(ddof=1)
    moved = 3 * line + np.eye(1, 400, 7) * 2
    assert frechet_distance(line, moved) == pytest.approx(4 + (2 * deviation) ** 2, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 30), st.integers(0, 1000))
def test_fid_is_a_distance(n, m, d, seed):
    first, second = features(n, d, seed), features(m, d, seed + 1, 1.0)
    assert frechet_distance(first, first[::-1]) == pytest.approx(0, abs=1e-8 * (1 + float(np.sum(first**2))))
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-9)
    assert frechet_distance(first, second) >= 0


@pytest.mark.parametrize(("n", "d"), [(80, 32), (50, 200)])
def test_kid_is_torch_fidelitys_where_its_subset_is_everything(n, d):
    first, second = features(n, d, 5), features(n, d, 6, 0.2)
    expected = kid_features_to_metric(
        torch.from_numpy(first).double(), torch.from_numpy(second).double(), kid_subsets=1,
        kid_subset_size=n, kid_kernel="poly", kid_kernel_poly_degree=3, kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1, rng_seed=0, verbose=False,
    )[KEY_METRIC_KID_MEAN]  # fmt: skip
    assert kernel_distance(first, second) == pytest.approx(expected, abs=1e-9)


def test_kid_has_no_bias_where_fid_has_one():
    """Samples of one distribution: KID averages to nothing, FID does not."""
    pairs = [np.random.default_rng(seed).normal(size=(60, 16)) for seed in range(60)]
    kid = np.array([kernel_distance(x[:30], x[30:]) for x in pairs])
    assert abs(kid.mean()) < 3 * kid.std() / np.sqrt(len(kid))
    assert np.mean([frechet_distance(x[:30], x[30:]) for x in pairs]) > 3


@pytest.mark.parametrize("splits", [1, 3, 10])
def test_inception_score_is_torch_fidelitys(splits):
    logits = np.random.default_rng(7).normal(size=(157, 12)) * 3
    expected = isc_features_to_metric(torch.from_numpy(logits), splits, shuffle=True, rng_seed=2020)
    found = inception_score(logits, splits, 2020)
    assert found == pytest.approx(expected[KEY_METRIC_ISC_MEAN], abs=1e-9)


def test_inception_score_has_its_bounds():
    sure = 1000.0 * np.eye(5)[np.arange(50) % 5]
    assert inception_score(sure, 1, 0) == pytest.approx(5)
    assert inception_score(np.zeros((20, 5)), 1, 0) == pytest.approx(1)
    with pytest.raises(ValueError, match="3 images cannot have 10 splits"):
        inception_score(np.zeros((3, 5)), 10, 0)


def test_too_few_or_unequal_features_are_refused():
    with pytest.raises(ValueError, match="needs two of each"):
        frechet_distance(np.zeros((1, 4)), np.zeros((5, 4)))
    with pytest.raises(ValueError, match="cannot be compared"):
        kernel_distance(np.zeros((5, 3)), np.zeros((5, 4)))
