"""What stands on the backbone: pooling over layers and time, the MLP, the cross projections."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def two_layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Two linear layers with one ReLU between them, the paper's and BriVL's MLP."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class LayerPooling(nn.Module):
    """Softmax-weighted sum of all hidden states, optional self-attention, mean over time.

    The attention block is BriVL's (its `imgAtt`): vectors of unit length go through stock
    post-norm transformer layers without a position code. The last `beside` channels of the states are no
    features of the backbone: they pass by the attention and end the pooled vector.
    """

    def __init__(
        self, states: int, width: int, layers: int, heads: int, feedforward: int, beside: int = 0
    ) -> None:
        super().__init__()
        self.beside = beside
        self.layer_weights = nn.Parameter(torch.zeros(states))
        self.attention = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, feedforward, dropout=0.1, batch_first=True)
            for _ in range(layers)
        )

    def forward(self, states: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Pool hidden states.

        Args:
            states: one tensor [batch, time, width + beside] for the encoder's input and for each layer.

        Returns:
            Frames [batch, time, width] and the mean over time [batch, width + beside].
        """
        weights = self.normalised_weights()
        frames = sum(weight * state for weight, state in zip(weights, states, strict=True))
        passing = None
        if self.beside:
            frames, passing = frames[..., : -self.beside], frames[..., -self.beside :]
        if len(self.attention):
            frames = functional.normalize(frames, dim=-1)
        for layer in self.attention:
            frames = layer(frames)
        pooled = frames.mean(dim=1)
        return frames, pooled if passing is None else torch.cat([pooled, passing.mean(dim=1)], dim=1)

    def normalised_weights(self) -> Tensor:
        """The share of each hidden state, [layers + 1], summing to one."""
        return self.layer_weights.softmax(dim=0)


class CrossHeads(nn.Module):
    """The MLP that gives `a`, and the cross projections f (image side) and g (audio side).

    a = mlp(pooled) has `embedding_dim` values; f takes a teacher vector to that width and g takes
    `a` to the teacher's. Nothing is tied and nothing is normalised here.
    """

    def __init__(self, inputs: int, embedding_dim: int, teacher_dim: int, hidden: int) -> None:
        super().__init__()
        self.mlp = two_layers(inputs, embedding_dim, embedding_dim)
        self.image_projection = two_layers(teacher_dim, hidden, embedding_dim)
        self.audio_projection = two_layers(embedding_dim, hidden, teacher_dim)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled features [batch, inputs] to `a` [batch, embedding_dim] and g(a) [batch, teacher_dim]."""
        embedding = self.mlp(pooled)
        return embedding, self.audio_projection(embedding)
