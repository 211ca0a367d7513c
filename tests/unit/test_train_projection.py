"""The cross projection on fixed embeddings."""

import numpy as np
import pytest
from tests.train_corpus import tiny_training

from wavbrivl import compute
from wavbrivl.errors import UserError
from wavbrivl.evaluate.ranking import ranks_of_pairs
from wavbrivl.train.projection import fit_cross_projection


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two threads that wait for each other are slow where tests run side by side."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compute, "THREADS", 1)
        yield


def pairs(count: int, seed: int):
    """Sounds and images that are different linear views of the same four numbers."""
    mixing = np.random.default_rng(0)
    to_sound, to_image = mixing.normal(size=(4, 6)), mixing.normal(size=(4, 8))
    hidden = np.random.default_rng(seed).normal(size=(count, 4))
    images = hidden @ to_image
    return 50 + 20 * hidden @ to_sound, images / np.linalg.norm(images, axis=1, keepdims=True)


def fit(seed: int = 1, steps: int = 150):
    sounds, images = pairs(60, 1)
    ids = [f"clip{i}" for i in range(60)]
    config = tiny_training(batch_size=12, queue_size=48, learning_rate=5e-3)
    return fit_cross_projection(sounds, images, ids, ids, config, steps, seed, embedding_dim=16, hidden=16)


def test_held_out_sounds_find_their_images_and_the_seed_decides():
    sounds, images = pairs(30, 2)
    projected = fit()(sounds)
    np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-5)
    assert ranks_of_pairs(projected, images).reciprocal().mean() > 0.5  # chance 0.13
    np.testing.assert_array_equal(projected, fit()(sounds))
    assert not np.array_equal(projected, fit(seed=2, steps=5)(sounds))


def test_rows_that_do_not_match_are_refused():
    sounds, images = pairs(5, 1)
    with pytest.raises(UserError, match="5 sounds, 4 images"):
        fit_cross_projection(sounds, images[:4], list("abcde"), list("abcde"), tiny_training(), 5, 1)
