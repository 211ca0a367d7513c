"""The one classification head: every embedding in a table is judged with it, trained the same way.

A two-layer MLP on standardised embeddings, Adam, and a search over learning rates that sees
validation folds only (protocol after HEAR's head search; the published head is not recoverable).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from wavbrivl.config.evaluation import ProbeConfig
from wavbrivl.errors import UserError


@dataclass(frozen=True)
class Standardiser:
    """Zero mean and unit variance by the statistics of the training items."""

    mean: np.ndarray
    scale: np.ndarray

    def __call__(self, embeddings: np.ndarray) -> torch.Tensor:
        """From [n, dim] to float32 [n, dim]."""
        return torch.from_numpy(((embeddings - self.mean) / self.scale).astype(np.float32))


def standardiser(embeddings: np.ndarray) -> Standardiser:
    """Fit to [n, dim]; dimensions that never vary are left at their scale."""
    scale = embeddings.std(axis=0, dtype=np.float64)
    constant = scale < 1e-6 * max(1.0, float(np.abs(embeddings).max(initial=0.0)))
    return Standardiser(embeddings.mean(axis=0, dtype=np.float64), np.where(constant, 1.0, scale))


def fit_probe(
    embeddings: np.ndarray,
    targets: np.ndarray,
    classes: int,
    learning_rate: float,
    config: ProbeConfig,
    seed: int,
) -> Callable[[np.ndarray], np.ndarray]:
    """Train the head.

    Args:
        embeddings: [n, dim].
        targets: class indices, [n].
        classes: outputs of the head.
        learning_rate: Adam's.
        config: width, dropout, epochs and batch size.
        seed: seed of initial weights, order and dropout; the global generator is left as it was.

    Returns:
        A function from embeddings [m, dim] to logits [m, classes].
    """
    scale = standardiser(embeddings)
    inputs, wanted = scale(embeddings), torch.from_numpy(np.asarray(targets, dtype=np.int64))
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = _head(embeddings.shape[1], classes, config)
        _train(head, inputs, wanted, learning_rate, config)
    head.eval()

    def logits(others: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return head(scale(others)).numpy()

    return logits


@dataclass(frozen=True)
class FoldPredictions:
    """What the head says about every item when its own fold is the test fold.

    Attributes:
        predicted: class index of each item, [n].
        learning_rates: the rate chosen for each test fold.
    """

    predicted: np.ndarray
    learning_rates: dict[int, float]


def predict_folds(
    embeddings: np.ndarray,
    targets: np.ndarray,
    folds: np.ndarray,
    classes: int,
    config: ProbeConfig,
    seed: int,
    tested: Sequence[int] | None = None,
) -> FoldPredictions:
    """Cross-validate over the official folds.

    For a test fold, the learning rate is chosen on the next fold (cyclically) after training on the
    remaining ones; the head is then trained at that rate on everything but the test fold.

    Args:
        tested: the folds to test; all of them by default.

    Raises:
        UserError: where there are fewer than three folds, so that none is left to train on.
    """
    names = [int(fold) for fold in np.unique(folds)]
    if len(names) < 3:
        raise UserError(f"cross-validation needs three folds or more, and there are only {names}")
    predicted = np.full(len(targets), -1, dtype=np.int64)
    rates = {}
    for fold in names if tested is None else tested:
        held_out = names[(names.index(fold) + 1) % len(names)]
        rates[fold] = _search(embeddings, targets, folds, (fold, held_out), classes, config, seed)
        rest = folds != fold
        logits = fit_probe(embeddings[rest], targets[rest], classes, rates[fold], config, seed + fold)
        predicted[~rest] = logits(embeddings[~rest]).argmax(axis=1)
    return FoldPredictions(predicted, rates)


def _search(
    embeddings: np.ndarray,
    targets: np.ndarray,
    folds: np.ndarray,
    left_out: tuple[int, int],
    classes: int,
    config: ProbeConfig,
    seed: int,
) -> float:
    """The rate with the best accuracy on the validation fold (left_out[1]); the first one on a tie."""
    if len(config.learning_rates) == 1:
        return config.learning_rates[0]
    train, valid = ~np.isin(folds, left_out), folds == left_out[1]
    accuracies = []
    for rate in config.learning_rates:
        logits = fit_probe(embeddings[train], targets[train], classes, rate, config, seed + left_out[0])
        accuracies.append(float(np.mean(logits(embeddings[valid]).argmax(axis=1) == targets[valid])))
    return config.learning_rates[int(np.argmax(accuracies))]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Steps on small matrices take longer on two threads than on one, and far longer on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _head(dim: int, classes: int, config: ProbeConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(dim, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, classes),
    )


def _train(
    head: nn.Sequential, inputs: torch.Tensor, targets: torch.Tensor, rate: float, config: ProbeConfig
) -> None:
    optimiser = torch.optim.Adam(head.parameters(), lr=rate)
    head.train()
    for _ in range(config.epochs):
        for batch in torch.randperm(len(inputs)).split(config.batch_size):
            optimiser.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(head(inputs[batch]), targets[batch]).backward()
            optimiser.step()
