"""The order of samples: pure, complete in every epoch, and the same for any number of ranks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wavbrivl.train.order import share_of_step

sizes, seeds, steps, batches = st.integers(1, 50), st.integers(0, 9), st.integers(0, 60), st.integers(1, 12)


@given(sizes, seeds, batches)
def test_every_epoch_holds_every_clip_once(size, seed, batch):
    shares = [share_of_step(size, seed, step, batch) for step in range(-(-3 * size // batch))]
    stream = np.concatenate([share.indices for share in shares])
    for epoch in range(3):
        assert sorted(stream[epoch * size : (epoch + 1) * size]) == list(range(size))


@given(sizes, seeds, steps, batches, st.integers(1, 4))
def test_ranks_share_the_same_global_batch(size, seed, step, batch, world):
    whole = share_of_step(size, seed, step, batch * world)
    parts = [share_of_step(size, seed, step, batch, rank, world) for rank in range(world)]
    assert {len(part.indices) for part in parts} == {batch}
    np.testing.assert_array_equal(np.concatenate([p.indices for p in parts]), whole.indices)
    np.testing.assert_array_equal(np.concatenate([p.positions for p in parts]), whole.positions)


def test_epochs_and_seeds_differ():
    first, second = (share_of_step(40, 1, step, 40).indices for step in (0, 1))
    other = share_of_step(40, 2, 0, 40).indices
    assert not np.array_equal(first, second) and not np.array_equal(first, other)
