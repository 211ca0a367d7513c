"""The head: it learns what can be learned, and never sees the test fold."""

import numpy as np
import pytest

from wavbrivl.config.evaluation import ProbeConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate import probe

CONFIG = ProbeConfig(hidden=32, epochs=15, learning_rates=[1e-3, 1e-2], batch_size=32)


def clouds(n=150, classes=3, noise=0.5, seed=0):
    """Gaussian clouds at very different scales, with a dimension that never varies."""
    generator = np.random.default_rng(seed)
    targets = np.arange(n) % classes
    centres = generator.normal(size=(classes, 8))
    points = centres[targets] + noise * generator.normal(size=(n, 8))
    points = np.concatenate([points * 1000 + 5, np.full((n, 1), 3.0)], axis=1).astype(np.float32)
    return points, targets, np.arange(n) // (n // 5) + 1


def test_separable_classes_are_learned_in_every_fold():
    points, targets, folds = clouds(noise=0.1)
    outcome = probe.predict_folds(points, targets, folds, 3, CONFIG, 1)
    assert (outcome.predicted == targets).mean() > 0.97
    assert set(outcome.learning_rates) == {1, 2, 3, 4, 5}


def test_labels_without_meaning_are_not_learned():
    points, _, folds = clouds(noise=1.0)
    targets = np.random.default_rng(5).integers(0, 3, len(points))
    outcome = probe.predict_folds(points, targets, folds, 3, CONFIG, 1)
    assert (outcome.predicted == targets).mean() < 0.5


def test_the_same_seed_gives_the_same_logits():
    points, targets, _ = clouds()
    first, again, other = (probe.fit_probe(points, targets, 3, 1e-2, CONFIG, s)(points) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_neither_training_nor_search_sees_the_test_fold(monkeypatch):
    points, targets, folds = clouds()
    points[:, 0] = np.arange(len(points))  # each item carries its own number
    fitted, scored = [], []
    original = probe.fit_probe

    def spy(embeddings, wanted, *others):
        fitted.append(set(embeddings[:, 0].astype(int)))
        logits = original(embeddings, wanted, *others)

        def tell(items):
            scored.append(set(items[:, 0].astype(int)))
            return logits(items)

        return tell

    monkeypatch.setattr(probe, "fit_probe", spy)
    probe.predict_folds(points, targets, folds, 3, CONFIG, 1, tested=[2])
    inside, validation = (set(np.flatnonzero(folds == fold)) for fold in (2, 3))
    search, final = slice(0, 2), 2
    assert len(fitted) == len(scored) == 3
    assert all(not seen & (inside | validation) for seen in fitted[search])
    assert all(seen == validation for seen in scored[search])
    assert fitted[final] == set(range(len(points))) - inside
    assert scored[final] == inside


def test_changing_the_test_items_changes_nothing_that_is_trained():
    points, targets, folds = clouds()
    altered = points.copy()
    altered[folds == 4] += 1e6
    wrong = targets.copy()
    wrong[folds == 4] = 0
    first = probe.predict_folds(points, targets, folds, 3, CONFIG, 1, tested=[4])
    second = probe.predict_folds(altered, wrong, folds, 3, CONFIG, 1, tested=[4])
    assert first.learning_rates == second.learning_rates


def test_two_folds_are_too_few():
    points, targets, folds = clouds()
    with pytest.raises(UserError, match="three folds"):
        probe.predict_folds(points, targets, folds % 2, 3, CONFIG, 1)
