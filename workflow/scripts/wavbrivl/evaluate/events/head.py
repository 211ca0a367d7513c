"""The one frame head: every encoder's frames are judged with it, trained the same way.

A convolution over time on standardised frames, and a layer on top. A recording with strong labels
teaches every frame; one of which only the classes are known teaches its pooled output (linear softmax
pooling: the mean of the probabilities, weighted by themselves).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from wavbrivl.config.events import FrameHeadConfig
from wavbrivl.progress import track

_TINY = 1e-6


@dataclass(frozen=True)
class Lesson:
    """A recording to learn from.

    Attributes:
        features: float32 [frames, width].
        targets: float32 [frames, classes] where times are known, [classes] where they are not.
    """

    features: np.ndarray
    targets: np.ndarray

    @property
    def strong(self) -> bool:
        return self.targets.ndim == 2


Detector = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
"""From recordings [frames, width] to probabilities [frames, classes]."""


def fit_head(
    lessons: Sequence[Lesson],
    classes: int,
    hop_seconds: float,
    config: FrameHeadConfig,
    seed: int,
    device: torch.device | str = "cpu",
    what: str = "frame head",
) -> Detector:
    """Train the head.

    Args:
        lessons: recordings, at least one of them with strong labels.
        classes: outputs.
        hop_seconds: length of a frame.
        config: size and training.
        seed: of first weights, order and dropout; the global generator is left as it was.
        what: in words, for the log.

    Returns:
        The detector; what it says about a recording does not depend on the others of the call.
    """
    mean, scale = _statistics([lesson.features for lesson in lessons])
    context = 2 * max(0, round((config.context_seconds / hop_seconds - 1) / 2)) + 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = _head(len(mean), classes, context, config).to(device)
        _train(head, lessons, mean, scale, config, what)
    head.eval()

    @torch.inference_mode()
    def detect(recordings: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = []
        for start in range(0, len(recordings), config.batch_size):
            batch = recordings[start : start + config.batch_size]
            logits = head(_padded([(one - mean) / scale for one in batch]).to(device).transpose(1, 2))
            probabilities = torch.sigmoid(logits).transpose(1, 2).cpu().numpy()
            found += [rows[: len(one)] for rows, one in zip(probabilities, batch, strict=True)]
        return found

    return detect


def _head(width: int, classes: int, context: int, config: FrameHeadConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(width, config.hidden, context, padding=context // 2),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Conv1d(config.hidden, classes, 1),
    )


def _statistics(recordings: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation over all frames, [width] each; a feature that never varies keeps its scale."""
    count = sum(len(one) for one in recordings)
    mean = sum(one.sum(axis=0, dtype=np.float64) for one in recordings) / count
    square = sum(np.square(one - mean).sum(axis=0) for one in recordings) / count
    deviation = np.sqrt(square)
    constant = deviation < 1e-6 * max(1.0, float(np.abs(mean).max()))
    return mean.astype(np.float32), np.where(constant, 1.0, deviation).astype(np.float32)


def _train(
    head: nn.Sequential,
    lessons: Sequence[Lesson],
    mean: np.ndarray,
    scale: np.ndarray,
    config: FrameHeadConfig,
    what: str,
) -> None:
    device = next(head.parameters()).device
    optimiser = torch.optim.Adam(head.parameters(), lr=config.learning_rate)
    head.train()
    for _ in track(range(config.epochs), f"{what} epochs"):
        for batch in _batches(lessons, config.batch_size):
            features = _padded([(lesson.features - mean) / scale for lesson in batch])
            logits = head(features.to(device).transpose(1, 2)).transpose(1, 2)
            optimiser.zero_grad(set_to_none=True)
            batch_loss(logits, batch, config.weak_weight).backward()
            optimiser.step()


def batch_loss(logits: Tensor, batch: Sequence[Lesson], weak_weight: float) -> Tensor:
    """Mean over recordings of their binary cross-entropy; padding has no part in it.

    Args:
        logits: [batch, frames, classes], padded at the end.
        batch: what they should be.
        weak_weight: factor of recordings without times.
    """
    losses = []
    for rows, lesson in zip(logits, batch, strict=True):
        targets = torch.from_numpy(lesson.targets).to(logits.device)
        rows = rows[: len(lesson.features)]
        if lesson.strong:
            losses.append(functional.binary_cross_entropy_with_logits(rows, targets))
        else:
            probabilities = torch.sigmoid(rows)
            pooled = probabilities.square().sum(dim=0) / probabilities.sum(dim=0).clamp_min(_TINY)
            clipped = pooled.clamp(_TINY, 1 - _TINY)
            losses.append(weak_weight * functional.binary_cross_entropy(clipped, targets))
    return torch.stack(losses).mean()


def _batches(lessons: Sequence[Lesson], size: int) -> Iterator[list[Lesson]]:
    for batch in torch.randperm(len(lessons)).split(size):
        yield [lessons[i] for i in batch.tolist()]


def _padded(recordings: Sequence[np.ndarray]) -> Tensor:
    """Stack to [batch, frames, width]; the padding is what the convolutions pad with too."""
    rows = [torch.from_numpy(one) for one in recordings]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)
