"""The one classification head: every embedding in a table is judged with it, trained the same way.

A two-layer MLP on standardised embeddings, Adam, and a search over learning rates that sees
validation folds only (protocol after HEAR's head search; the published head is not recoverable).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from wavbrivl.config.evaluation import ProbeConfig
from wavbrivl.errors import UserError
from wavbrivl.progress import track

_BLOCK = 8192
_MANY = 20_000


@dataclass(frozen=True)
class Standardiser:
    """Zero mean and unit variance by the statistics of the training items."""

    mean: np.ndarray
    scale: np.ndarray

    def __call__(self, embeddings: np.ndarray) -> torch.Tensor:
        """From [n, dim] to float32 [n, dim], a block in float64 at a time."""
        result = np.empty(embeddings.shape, dtype=np.float32)
        for rows in _blocks(len(embeddings)):
            result[rows] = (embeddings[rows] - self.mean) / self.scale
        return torch.from_numpy(result)


def standardiser(embeddings: np.ndarray) -> Standardiser:
    """Fit to [n, dim]; dimensions that never vary are left at their scale."""
    n, dim = embeddings.shape
    mean, square, largest = np.zeros(dim), np.zeros(dim), 0.0
    for rows in _blocks(n):
        block = embeddings[rows].astype(np.float64)
        mean += block.sum(axis=0) / n
        largest = max(largest, float(np.abs(block).max(initial=0.0)))
    for rows in _blocks(n):
        square += ((embeddings[rows].astype(np.float64) - mean) ** 2).sum(axis=0) / n
    scale = np.sqrt(square)
    constant = scale < 1e-6 * max(1.0, largest)
    return Standardiser(mean, np.where(constant, 1.0, scale))


def _blocks(n: int) -> list[slice]:
    """Rows in blocks: 200,000 embeddings in float64 would be most of a gigabyte."""
    return [slice(first, first + _BLOCK) for first in range(0, n, _BLOCK)]


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
    scale, device = standardiser(embeddings), _device(len(embeddings))
    inputs = scale(embeddings).to(device)
    wanted = torch.from_numpy(np.asarray(targets, dtype=np.int64)).to(device)
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = make_head(embeddings.shape[1], classes, config).to(device)
        _train(head, inputs, wanted, learning_rate, config)
    head.eval()

    def logits(others: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            parts = [head(scale(others[rows]).to(device)).cpu() for rows in _blocks(len(others))]
            return torch.cat(parts).numpy()

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
    rates: Mapping[int, float] | None = None,
) -> FoldPredictions:
    """Cross-validate over the official folds.

    For a test fold, the learning rate is chosen on the next fold (cyclically) after training on the
    remaining ones; the head is then trained at that rate on everything but the test fold.

    Args:
        tested: the folds to test; all of them by default.
        rates: rates that an earlier search chose, by test fold; nothing is searched then.

    Raises:
        UserError: where there are fewer than three folds, so that none is left to train on.
    """
    names = [int(fold) for fold in np.unique(folds)]
    if len(names) < 3:
        raise UserError(f"cross-validation needs three folds or more, and there are only {names}")
    predicted = np.full(len(targets), -1, dtype=np.int64)
    chosen = dict(rates or {})
    for fold in names if tested is None else tested:
        rest = folds != fold
        if fold not in chosen:
            held_out = names[(names.index(fold) + 1) % len(names)]
            valid = folds == held_out
            train = rest & ~valid
            chosen[fold] = search(
                (embeddings[train], targets[train]),
                (embeddings[valid], targets[valid]),
                classes,
                config,
                seed + fold,
            )
        logits = fit_probe(embeddings[rest], targets[rest], classes, chosen[fold], config, seed + fold)
        predicted[~rest] = logits(embeddings[~rest]).argmax(axis=1)
    return FoldPredictions(predicted, chosen)


def search(
    train: tuple[np.ndarray, np.ndarray],
    valid: tuple[np.ndarray, np.ndarray],
    classes: int,
    config: ProbeConfig,
    seed: int,
) -> float:
    """The rate with the best accuracy on validation items; the first one on a tie.

    Args:
        train, valid: embeddings [n, dim] and class indices [n].
    """
    if len(config.learning_rates) == 1 or not len(valid[1]):
        return config.learning_rates[0]
    accuracies = []
    for rate in config.learning_rates:
        logits = fit_probe(*train, classes, rate, config, seed)
        accuracies.append(float(np.mean(logits(valid[0]).argmax(axis=1) == valid[1])))
    return config.learning_rates[int(np.argmax(accuracies))]


def _device(items: int) -> torch.device:
    """A GPU, where there is one and so many items that it pays."""
    return torch.device("cuda" if items > _MANY and torch.cuda.is_available() else "cpu")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Steps on small matrices take longer on two threads than on one, and far longer on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def make_head(dim: int, classes: int, config: ProbeConfig) -> nn.Sequential:
    """The two-layer MLP, with fresh weights."""
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
    epochs: Iterable[int] = range(config.epochs)
    if len(inputs) > _MANY:
        epochs = track(epochs, f"passes of the head over {len(inputs)} embeddings")
    for _ in epochs:
        for batch in torch.randperm(len(inputs)).split(config.batch_size):
            optimiser.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(head(inputs[batch]), targets[batch]).backward()
            optimiser.step()
