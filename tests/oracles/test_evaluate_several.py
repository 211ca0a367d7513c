"""Retrieval with several right answers against all orders of tied items."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavbrivl.evaluate.captions.several import (
    average_precision_at,
    chance_average_precision,
    chance_hits,
    hits,
)

rows = st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6).filter(
    lambda items: any(right for _, right in items)
)


def orders(items):
    """Every ranking that the scores allow, each as a list of right and wrong."""
    return [
        [right for _, right in order]
        for order in permutations(items)
        if all(a[0] >= b[0] for a, b in pairwise(order))
    ]


def precision(order, k, right):
    found = [sum(order[: i + 1]) / (i + 1) for i in range(min(k, len(order))) if order[i]]
    return sum(found) / min(k, right)


@settings(max_examples=60, deadline=None)
@given(rows, st.integers(1, 7))
def test_both_metrics_are_expectations_over_all_orders(items, k):
    scores = np.array([[float(value) for value, _ in items]])
    relevant = np.array([[right for _, right in items]])
    allowed = orders(items)
    right = int(relevant.sum())
    assert hits(scores, relevant, k)[0] == pytest.approx(np.mean([any(o[:k]) for o in allowed]))
    expected = np.mean([precision(o, k, right) for o in allowed])
    assert average_precision_at(scores, relevant, k)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("right", "gallery", "k"), [(1, 60, 10), (5, 300, 1), (5, 300, 10), (5, 7, 10), (3, 3, 1)]
)
def test_a_constant_score_gives_chance_exactly(right, gallery, k):
    scores = np.full((1, gallery), 0.3)
    relevant = (np.arange(gallery) < right)[None]
    assert hits(scores, relevant, k)[0] == chance_hits(right, gallery, k)
    assert average_precision_at(scores, relevant, k)[0] == chance_average_precision(right, gallery, k)


def test_one_right_answer_is_the_reciprocal_rank_within_k():
    scores = np.arange(20.0)[None]
    for rank in range(1, 21):
        relevant = (np.arange(20) == 20 - rank)[None]
        assert average_precision_at(scores, relevant, 10)[0] == (1 / rank if rank <= 10 else 0)
