"""Loss and gradient of one global batch, whoever computes which part of it.

A contrastive loss needs the vectors of the whole batch, but the encoder is what fills the memory.
So the loss is computed on the vectors alone, gathered from all parts and processes and the same in
each; its gradient with respect to a part's vectors is then carried back through the encoder by
whoever made them, and the parameters' gradients are summed. The result is that of one process
which sees the whole batch at once.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.compute import seed_all
from wavbrivl.config.models import TrainingConfig, check_shares
from wavbrivl.train.data import Batch
from wavbrivl.train.group import Group
from wavbrivl.train.momentum import MomentumKeys, vectors_of
from wavbrivl.train.objective import Loss, Vectors

LEARNT = ("audio", "image", "projection")
"""The vectors that have a gradient; the teacher's have none."""


class Part(NamedTuple):
    """Some clips of a batch, on the device: waveforms [n, samples], images [n, teacher_dim], ids [n]."""

    values: Tensor
    images: Tensor
    clips: Tensor
    videos: Tensor


class Seen(NamedTuple):
    """What the encoder made of a part: its vectors, and what momentum copies go on from."""

    vectors: Vectors
    states: tuple[Tensor, ...]
    pooled: Tensor


class GradientStep:
    """Puts the gradient of a global batch into the parameters, and its keys into the queues."""

    def __init__(
        self,
        model: WavBriVLModel,
        momentum: MomentumKeys,
        objective: nn.Module,
        config: TrainingConfig,
        seed: int,
        group: Group,
    ) -> None:
        """Tie together what a step works on.

        Raises:
            UserError: processes and accumulated parts do not divide the batch.
        """
        self.model, self.momentum, self.objective = model, momentum, objective
        self.seed, self.group, self.parts = seed, group, config.accumulate
        self.device = next(model.parameters()).device
        on_gpu = self.device.type == "cuda"
        self.low = config.precision == "bfloat16" or (config.precision == "auto" and on_gpu)
        check_shares(config, group.size)

    def __call__(self, batch: Batch, step: int) -> Loss:
        """Forward and backward of this process's share of the batch of `step`.

        Returns:
            The loss of the global batch, the same in every process.
        """
        columns = (batch.waveforms, batch.images, batch.clips, batch.videos)
        parts = [Part(*rows) for rows in zip(*map(self._split, columns), strict=True)]
        if len(parts) == 1:
            seen = self._see(parts[0], step, 0)
            vectors = [seen.vectors]
        else:
            seen = None
            with torch.no_grad():
                vectors = [self._see(part, step, number).vectors for number, part in enumerate(parts)]
        loss, gradients = self._loss(vectors, parts)
        if self.objective.uses_keys:
            self.momentum.follow(self.model)
        keys = [
            self._carry_back(part, seen or self._see(part, step, number), [g[number] for g in gradients])
            for number, part in enumerate(parts)
        ]
        self.group.sum_gradients(self.model.parameters())
        if self.objective.uses_keys:
            joined = Vectors(*(self.group.gather(torch.cat(column)) for column in zip(*keys, strict=True)))
            self.objective.enqueue(joined, *self._ids(parts))
        return loss

    def _split(self, column: np.ndarray) -> tuple[Tensor, ...]:
        return torch.from_numpy(column).to(self.device).chunk(self.parts)

    def _see(self, part: Part, step: int, number: int) -> Seen:
        # Dropout and masks are drawn from the part's own seed: there is no generator state to keep, and
        # a second pass draws them again.
        seed_all(part_seed(self.seed, step, self.group.rank * self.parts + number))
        with self._autocast():
            states = self.model.hidden_states(part.values)
            _, pooled = self.model.pooling(states)
            return Seen(vectors_of(self.model.heads, pooled, part.images), states, pooled)

    def _loss(self, vectors: list[Vectors], parts: list[Part]) -> tuple[Loss, list[tuple[Tensor, ...]]]:
        """The loss of all processes' vectors, and by name and part its gradient for this process's."""
        whole = Vectors(*(self.group.gather(torch.cat(column)) for column in zip(*vectors, strict=True)))
        leaves = whole._replace(**{name: getattr(whole, name).requires_grad_() for name in LEARNT})
        loss = self.objective(leaves, *self._ids(parts))
        loss.total.backward()
        own = [self.group.own(getattr(leaves, name).grad) for name in LEARNT]
        return loss, [gradient.chunk(len(parts)) for gradient in own]

    def _carry_back(self, part: Part, seen: Seen, gradients: list[Tensor]) -> Vectors | None:
        """Take the gradient from a part's vectors to the parameters; returns the part's keys."""
        torch.autograd.backward([getattr(seen.vectors, name) for name in LEARNT], gradients)
        if not self.objective.uses_keys:
            return None
        with self._autocast():
            return self.momentum.keys(part.values, seen.states, seen.pooled, part.images)

    def _ids(self, parts: list[Part]) -> tuple[Tensor, Tensor]:
        clips, videos = (torch.cat([getattr(part, name) for part in parts]) for name in ("clips", "videos"))
        return self.group.gather(clips), self.group.gather(videos)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.low)


def part_seed(seed: int, step: int, number: int) -> int:
    """The seed of all that chance decides in the encoder for one part of one step's batch."""
    return (seed * 1_000_003 + step + number * 0x9E3779B97F4A7C1) % 2**63
