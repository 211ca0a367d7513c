"""The two-queue loss against a loop in plain Python, its masks and its gradients."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from wavbrivl.teacher.moco import EMPTY, Queues, follow, two_queue_loss

DIM, SIZE = 5, 8


def units(count: int, seed: int) -> torch.Tensor:
    return functional.normalize(
        torch.randn(count, DIM, generator=torch.Generator().manual_seed(seed)), dim=-1
    )


def tags(*rows: tuple[int, int, int]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.int64)


@pytest.fixture
def queues() -> Queues:
    """Six of eight entries filled; text 0 and label 0 occur in several."""
    queues = Queues(SIZE, DIM)
    queues.add(units(2, 1), units(2, 2), tags((0, 0, 0), (1, 0, 0)))
    queues.add(units(2, 3), units(2, 4), tags((2, 1, 0), (3, 0, 1)))
    queues.add(units(2, 5), units(2, 6), tags((0, 0, 0), (4, 2, 0)))
    return queues


def false_negative(mine: list[int], theirs: list[int]) -> bool:
    if theirs[0] == EMPTY or mine[0] == theirs[0]:
        return True
    return mine[1] == theirs[1] and (mine[2] == 1 or theirs[2] == 1)


def slow(query, key, ring, ring_tags, query_tags, temperature) -> float:
    losses = []
    for i in range(len(query)):
        positive = math.exp(sum(a * b for a, b in zip(query[i], key[i], strict=True)) / temperature)
        total = positive
        for k in range(SIZE):
            if not false_negative(query_tags[i], ring_tags[k]):
                total += math.exp(sum(a * b for a, b in zip(query[i], ring[k], strict=True)) / temperature)
        losses.append(-math.log(positive / total))
    return sum(losses) / len(losses)


def test_loss_is_that_of_a_slow_loop(queues):
    mine = tags((0, 0, 0), (7, 0, 1), (9, 2, 0))
    image, text, image_key, text_key = (units(3, seed) for seed in (11, 12, 13, 14))
    first, second = two_queue_loss(image, text, image_key, text_key, mine, queues, 0.2)
    parts = [tensor.tolist() for tensor in (image, text, image_key, text_key)]
    rings, ring_tags = (queues.images.tolist(), queues.texts.tolist()), queues.tags.tolist()
    expected = slow(parts[0], parts[3], rings[1], ring_tags, mine.tolist(), 0.2)
    assert first.item() == pytest.approx(expected, rel=1e-5)
    expected = slow(parts[1], parts[2], rings[0], ring_tags, mine.tolist(), 0.2)
    assert second.item() == pytest.approx(expected, rel=1e-5)


def test_entries_that_are_empty_or_describe_the_query_are_masked(queues):
    usable = queues.usable(tags((0, 0, 0), (7, 0, 1), (9, 2, 0)))
    assert usable.tolist() == [
        # filled with texts 0, 1, 2, 3 (the label alone), 0, 4, then two empty ones
        [False, True, True, False, False, True, False, False],
        [False, False, True, False, False, True, False, False],
        [True, True, True, True, True, True, False, False],
    ]
    image, text = units(3, 1), units(3, 2)
    before = two_queue_loss(image, text, image, text, tags((0, 0, 0), (0, 0, 0), (0, 0, 0)), queues, 0.07)
    masked = torch.tensor([0, 3, 4, 6, 7])
    queues.images[masked], queues.texts[masked] = units(5, 90), units(5, 91)
    after = two_queue_loss(image, text, image, text, tags((0, 0, 0), (0, 0, 0), (0, 0, 0)), queues, 0.07)
    assert before == after


def test_an_empty_queue_gives_no_loss():
    loss = two_queue_loss(units(2, 1), units(2, 2), units(2, 3), units(2, 4), tags((0, 0, 0), (1, 1, 0)),
                          Queues(SIZE, DIM), 0.07)  # fmt: skip
    assert [part.item() for part in loss] == [0.0, 0.0]


def test_queues_are_rings_and_refuse_batches_that_do_not_divide_them(queues):
    queues.add(units(2, 21), units(2, 22), tags((5, 5, 0), (6, 6, 0)))
    queues.add(units(2, 23), units(2, 24), tags((7, 7, 0), (8, 8, 0)))
    assert queues.tags[:, 0].tolist() == [7, 8, 2, 3, 0, 4, 5, 6]
    assert torch.equal(queues.images[:2], units(2, 23)) and torch.equal(queues.texts[6:], units(2, 22))
    with pytest.raises(ValueError, match="does not divide"):
        queues.add(units(3, 1), units(3, 2), tags((1, 1, 0), (2, 2, 0), (3, 3, 0)))


def test_key_towers_follow_in_parameters_only():
    towers, keys = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    nn.init.constant_(towers.weight, 3.0)
    towers.running_mean.fill_(9.0)
    follow(keys, towers, 0.9)
    torch.testing.assert_close(keys.weight, torch.full((2,), 0.9 * 1 + 0.1 * 3))
    assert keys.running_mean.tolist() == [0.0, 0.0]
    assert towers.weight.tolist() == [3.0, 3.0]
