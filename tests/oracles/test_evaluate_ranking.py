"""Ranks, recalls and average precision against slow or foreign implementations."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from wavbrivl.evaluate import ranking

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
    for ranks in (ranking.ranks_of_pairs(sounds, images), ranking.ranks_of_pairs(images, sounds)):
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
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_average_precision_is_that_of_scikit_learn(pairs):
    scores, relevant = (np.array(column) for column in zip(*pairs, strict=True))
    if not relevant.any():
        with pytest.raises(ValueError, match="at least one relevant"):
            ranking.average_precision(scores, relevant)
        return
    expected = average_precision_score(relevant, scores)
    assert ranking.average_precision(scores, relevant) == pytest.approx(expected)
    constant = ranking.average_precision(np.zeros(len(relevant)), relevant)
    assert constant == pytest.approx(ranking.chance_average_precision(relevant))


def test_unpaired_matrices_are_refused():
    with pytest.raises(ValueError, match="not pairs"):
        ranking.ranks_of_pairs(np.ones((3, 2)), np.ones((4, 2)))
