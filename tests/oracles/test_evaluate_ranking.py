"""Ranks, recalls and average precision against slow or foreign implementations."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from wavbrivl.evaluate import ranking
from wavbrivl.evaluate.precision import ClassPrecision

score_rows = st.integers(2, 7).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 3), min_size=n, max_size=n), min_size=1, max_size=4)
)


def every_order(row, own):
    """Ranks of the own item over all full sorts that the scores allow."""
    orders = [
        order for order in permutations(range(len(row))) if all(row[a] >= row[b] for a, b in pairwise(order))
    ]
    return np.array([order.index(own) + 1 for order in orders])


@settings(max_examples=40, deadline=None)
@given(rows=score_rows, data=st.data())
def test_ties_count_as_the_mean_over_every_full_sort(rows, data):
    own = [data.draw(st.integers(0, len(row) - 1)) for row in rows]
    ranks = ranking.ranks_from_scores(np.array(rows), np.array(own))
    for i, (row, target) in enumerate(zip(rows, own, strict=True)):
        expected = every_order(row, target)
        assert ranks.reciprocal()[i] == pytest.approx((1 / expected).mean())
        assert ranks.expected()[i] == pytest.approx(expected.mean())
        for k in (1, 2, 5):
            assert ranks.hits(k)[i] == pytest.approx((expected <= k).mean())


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 60), chunk=st.integers(1, 70), seed=st.integers(0, 999))
def test_chunks_agree_with_one_full_sort(n, chunk, seed):
    generator = np.random.default_rng(seed)
    queries, gallery = generator.normal(size=(2, n, 5)).astype(np.float32)
    ranks = ranking.ranks_of_pairs(queries, gallery, chunk)
    cosine = queries @ gallery.T / np.outer(np.linalg.norm(queries, axis=1), np.linalg.norm(gallery, axis=1))
    order = np.argsort(-cosine, axis=1)
    sorted_ranks = np.array([np.flatnonzero(order[i] == i)[0] + 1 for i in range(n)])
    assert (ranks.tied == 1).all()
    assert np.array_equal(ranks.expected(), sorted_ranks)


@pytest.mark.parametrize("n", [2, 7, 101, 515])
@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_constant_encoder_scores_exactly_chance(n, value):
    images = np.random.default_rng(n).normal(size=(n, 33)).astype(np.float32)
    sounds = np.full((n, 33), value, dtype=np.float32)
    for ranks in ranking.ranks_both_ways(sounds, images):
        assert ranks.reciprocal().mean() == pytest.approx(ranking.chance_reciprocal(n), abs=1e-12)
        assert np.median(ranks.expected()) == ranking.chance_rank(n)
        for k in (1, 5, 10):
            assert ranks.hits(k).mean() == pytest.approx(ranking.chance_hits(n, k), abs=1e-12)


def test_knowing_the_class_alone_scores_the_class_only_reference():
    labels = ["a"] * 5 + ["b"] * 3 + ["c"]
    same = np.equal.outer(labels, labels).astype(float)
    ranks = ranking.ranks_from_scores(same, np.arange(len(labels)))
    assert ranking.class_only_reciprocal(labels) == pytest.approx(ranks.reciprocal().mean())
    assert ranking.class_only_rank(labels) == np.median(ranks.expected())
    for k in (1, 4):
        assert ranking.class_only_hits(labels, k) == pytest.approx(ranks.hits(k).mean())


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.lists(st.integers(0, 4), min_size=3, max_size=3), st.integers(0, 2), st.integers(0, 3)),
        min_size=2,
        max_size=25,
    )
)
def test_mean_average_precision_is_that_of_scikit_learn_whatever_the_weights(rows):
    scores, targets, weights = (np.array(column) for column in zip(*rows, strict=True))
    precision = ClassPrecision(scores, targets)
    one = np.ones(len(rows), dtype=int)
    for counts in (one, weights):
        expected = [
            average_precision_score(targets == label, scores[:, label], sample_weight=counts)
            for label in range(3)
            if counts[targets == label].sum()
        ]
        if expected:
            assert precision.macro(counts[None])[0] == pytest.approx(np.mean(expected))
    items = precision.of_items()
    means = [items[targets == label].mean() for label in np.unique(targets)]
    assert np.mean(means) == pytest.approx(precision.macro(one[None])[0])
    constant = ClassPrecision(np.zeros((len(rows), 3)), targets)
    assert constant.macro(one[None])[0] == pytest.approx(constant.chance())


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 60), chunk=st.integers(1, 70), seed=st.integers(0, 999), tied=st.booleans())
def test_both_directions_at_once_are_the_two_directions_apart(n, chunk, seed, tied):
    generator = np.random.default_rng(seed)
    first, second = generator.normal(size=(2, n, 5)).astype(np.float32)
    if tied:
        first[: n // 2] = first[0]
        second[n // 3 :] = second[-1]
    forwards, backwards = ranking.ranks_both_ways(first, second, chunk)
    for found, expected in (
        (forwards, ranking.ranks_of_pairs(first, second)),
        (backwards, ranking.ranks_of_pairs(second, first)),
    ):
        assert np.array_equal(found.better, expected.better)
        assert np.array_equal(found.tied, expected.tied)


def test_unpaired_matrices_are_refused():
    with pytest.raises(ValueError, match="not pairs"):
        ranking.ranks_of_pairs(np.ones((3, 2)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="not pairs"):
        ranking.ranks_both_ways(np.ones((3, 2)), np.ones((4, 2)))
