"""Slowly following copies of the networks that fill the queues (MoCo's momentum encoder)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from wavbrivl.audio.heads import CrossHeads
from wavbrivl.train.objective import Vectors, unit_vectors

if TYPE_CHECKING:
    # Its import takes seconds, which the evaluation of baselines would spend as well.
    from wavbrivl.audio.modeling import WavBriVLModel


@torch.no_grad()
def follow(copied: nn.Module, online: nn.Module, momentum: float) -> None:
    """copied = momentum * copied + (1 - momentum) * online, for every parameter of two equal modules."""
    pairs = zip(copied.parameters(), online.parameters(), strict=True)
    for slow, fast in pairs:
        slow.lerp_(fast, 1 - momentum)


def vectors_of(heads: CrossHeads, pooled: Tensor, images: Tensor) -> Vectors:
    """All four vectors of a batch from pooled features [batch, width] and images [batch, teacher_dim]."""
    audio, projection = heads(pooled)
    return unit_vectors(audio, heads.image_projection(images), projection, images)


class MomentumKeys(nn.Module):
    """Momentum copies of the audio encoder's parts, and the keys that they give.

    The frozen teacher needs no copy. With scope `full` everything that is trained has one: from the
    waveform on, or, under a frozen backbone, from its hidden states on, which are then the same.
    With scope `heads` only the MLP and the cross projections have one and read the trained
    backbone's pooled features: no second forward pass through WavLM.

    As in BriVL the copies move before keys are made from them. They stay in evaluation mode.
    """

    def __init__(self, model: WavBriVLModel, momentum: float, scope: str) -> None:
        super().__init__()
        self.momentum = momentum
        self.whole = scope == "full" and not model.config.freeze_backbone
        self.model = copy.deepcopy(model) if self.whole else None
        self.pooling = copy.deepcopy(model.pooling) if scope == "full" and not self.whole else None
        self.heads = None if self.whole else copy.deepcopy(model.heads)
        self.requires_grad_(False).eval()

    @torch.no_grad()
    def follow(self, model: WavBriVLModel) -> None:
        """Move every copy towards `model`: copy = momentum * copy + (1 - momentum) * model."""
        for name, copied in self.named_children():
            follow(copied, model if name == "model" else getattr(model, name), self.momentum)

    @torch.no_grad()
    def keys(self, values: Tensor, states: tuple[Tensor, ...], pooled: Tensor, images: Tensor) -> Vectors:
        """Vectors of a batch for the queues, without gradient.

        Args:
            values: waveforms [batch, samples]; read with scope `full`.
            states: the online backbone's hidden states; read with scope `full` if it is frozen.
            pooled: the online pooled features [batch, width]; read with scope `heads`.
            images: teacher embeddings [batch, teacher_dim].
        """
        if self.whole:
            output = self.model(values)
            return unit_vectors(
                output.embedding, self.model.project_images(images), output.projection, images
            )
        if self.pooling is not None:
            _, pooled = self.pooling(states)
        return vectors_of(self.heads, pooled, images)
