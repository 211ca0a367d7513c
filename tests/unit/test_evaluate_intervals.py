"""Bootstrap intervals: known variance, clusters, folds, pairs, seeds."""

import numpy as np
import pytest

from wavbrivl.evaluate import intervals


def names(values):
    return [str(value) for value in values]


def test_the_width_is_that_of_the_known_variance():
    values = np.random.default_rng(0).normal(size=2000)
    low, high = intervals.interval(intervals.mean_of(values), names(range(2000)), 2000, 1)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / np.sqrt(2000), rel=0.08)
    assert low < values.mean() < high


def test_items_of_one_recording_are_drawn_together():
    values = np.repeat(np.random.default_rng(0).normal(size=100), 10)
    apart = intervals.interval(intervals.mean_of(values), names(range(1000)), 1000, 1)
    together = intervals.interval(intervals.mean_of(values), names(np.repeat(range(100), 10)), 1000, 1)
    assert (together[1] - together[0]) / (apart[1] - apart[0]) == pytest.approx(np.sqrt(10), rel=0.15)


def test_coverage_of_the_interval_is_near_its_level():
    generator = np.random.default_rng(3)
    inside = 0
    for trial in range(200):
        hits = (generator.random(80) < 0.7).astype(float)
        low, high = intervals.interval(intervals.mean_of(hits), names(range(80)), 400, trial)
        inside += low <= 0.7 <= high
    assert 0.90 <= inside / 200 <= 0.99


def test_same_seed_same_interval_and_blocks_do_not_matter(monkeypatch):
    values = np.random.default_rng(0).random(50)
    first = intervals.interval(intervals.mean_of(values), names(range(50)), 300, 5)
    assert first == intervals.interval(intervals.mean_of(values), names(range(50)), 300, 5)
    assert first != intervals.interval(intervals.mean_of(values), names(range(50)), 300, 6)
    monkeypatch.setattr(intervals, "_BLOCK", 60)
    assert first == intervals.interval(intervals.mean_of(values), names(range(50)), 300, 5)


def test_one_recording_gives_no_interval():
    assert intervals.interval(intervals.mean_of(np.arange(5)), ["x"] * 5, 100, 0) is None


def test_fold_mean_weighs_folds_alike():
    values, folds = np.array([1.0, 1.0, 1.0, 0.0]), [1, 1, 1, 2]
    assert intervals.value_of(intervals.fold_mean_of(values, folds), 4) == 0.5
    emptied = intervals.fold_mean_of(values, folds)(np.array([[1, 2, 1, 0]]))
    assert emptied == [1.0]


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_weighted_median_is_that_of_repeated_items(n):
    generator = np.random.default_rng(n)
    values = generator.normal(size=n).round(1)
    weights = generator.integers(0, 4, size=(20, n)) + (np.arange(n) == 0)
    expected = [np.median(np.repeat(values, row)) for row in weights]
    assert intervals.median_of(values)(weights) == pytest.approx(expected)


def test_a_paired_difference_is_narrower_than_two_intervals():
    generator = np.random.default_rng(0)
    hard = generator.normal(size=400)
    first, second = hard + 0.2 + 0.1 * generator.normal(size=400), hard
    difference = intervals.paired_difference(first, second, names(range(400)), 1000, 1)
    assert difference.value == pytest.approx(0.2, abs=0.02)
    assert difference.ci95[0] > 0.15
    with pytest.raises(ValueError, match="differ in number"):
        intervals.paired_difference(first, second[:-1], names(range(400)), 10, 1)
