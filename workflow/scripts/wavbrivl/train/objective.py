"""The objective that brings sound into the teacher's space: L(f(v), a) + L(v, g(a)).

v is the frozen teacher's image embedding, a the audio embedding, f and g the cross projections.
The paper names BriVL's MoCo loss for L. Taken literally, with keys that carry no gradient and a
frozen image tower, half of its directions teach nothing; here both positives are online and only
the negatives come from queues that momentum copies fill.
"""

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from wavbrivl.config.models import TrainingConfig

NONE = -1
"""Id of a queue entry that is not filled yet."""


class Vectors(NamedTuple):
    """What is compared, all float32 and of unit norm: the audio space, then the teacher's space."""

    audio: Tensor
    """a [batch, embedding_dim]."""
    image: Tensor
    """f(v) [batch, embedding_dim]."""
    projection: Tensor
    """g(a) [batch, teacher_dim]."""
    teacher: Tensor
    """v [batch, teacher_dim]."""


DIRECTIONS = {
    "audio_to_image": ("audio", "image"),
    "image_to_audio": ("image", "audio"),
    "projection_to_teacher": ("projection", "teacher"),
    "teacher_to_projection": ("teacher", "projection"),
}
"""The four parts of a softmax loss: whose vectors are the queries, and whose the candidates."""

SPACES = {"audio_space": ("audio", "image"), "teacher_space": ("projection", "teacher")}
"""The two parts of a loss over pairs: f(v) and a, v and g(a)."""


class Loss(NamedTuple):
    """The value to minimise and its parts."""

    total: Tensor
    parts: dict[str, Tensor]


class Objective(Protocol):
    """What the training loop asks of an objective."""

    uses_keys: bool
    """Whether momentum copies are to make keys for it."""

    def __call__(self, online: Vectors, clips: Tensor, videos: Tensor) -> Loss: ...

    def enqueue(self, keys: Vectors, clips: Tensor, videos: Tensor) -> None: ...


def unit_vectors(audio: Tensor, image: Tensor, projection: Tensor, teacher: Tensor) -> Vectors:
    """Normalise the four sets of vectors, in single precision whatever the network ran in."""
    return Vectors(*(functional.normalize(x.float(), dim=-1) for x in (audio, image, projection, teacher)))


def contrast(
    query: Tensor, positive: Tensor, negatives: Tensor, masked: Tensor, temperature: float
) -> Tensor:
    """InfoNCE with one positive a query and a shared set of negatives, averaged over queries.

    Args:
        query, positive: [batch, dim].
        negatives: [n, dim].
        masked: bool [batch, n]; true where a negative does not count for a query. A query without
            any negative has loss 0.
        temperature: divides the similarities.
    """
    matching = (query * positive).sum(dim=1, keepdim=True)
    others = (query @ negatives.T).masked_fill(masked, float("-inf"))
    logits = torch.cat([matching, others], dim=1) / temperature
    return (logits.logsumexp(dim=1) - logits[:, 0]).mean()


class CrossProjectionLoss(nn.Module):
    """CXLoss over MoCo queues.

    In each of the two spaces a symmetric InfoNCE, with these queries, positives and negatives:

    - audio_to_image: a, f(v), earlier momentum f(v);
    - image_to_audio: f(v), a, earlier momentum a;
    - projection_to_teacher: g(a), v, earlier v;
    - teacher_to_projection: v, g(a), earlier momentum g(a).

    With `batch_negatives` the positives of the batch's other samples are negatives too, with
    gradient. Queue entries carry the ids of clip and video; what is of the query's own clip (or
    video) is masked, and so are entries that are not filled yet.
    """

    uses_keys = True

    def __init__(self, embedding_dim: int, teacher_dim: int, config: TrainingConfig) -> None:
        super().__init__()
        self.temperature = config.temperature
        self.mask_same = config.mask_same
        self.reduction = config.term_reduction
        self.batch_negatives = config.batch_negatives
        widths = (embedding_dim, embedding_dim, teacher_dim, teacher_dim)
        for name, width in zip(Vectors._fields, widths, strict=True):
            self.register_buffer(f"queue_{name}", torch.zeros(config.queue_size, width))
        self.register_buffer("clips", torch.full((config.queue_size,), NONE, dtype=torch.int64))
        self.register_buffer("videos", torch.full((config.queue_size,), NONE, dtype=torch.int64))
        self.register_buffer("next", torch.zeros((), dtype=torch.int64))

    def forward(self, online: Vectors, clips: Tensor, videos: Tensor) -> Loss:
        """Loss of a batch against the queues as they are.

        Args:
            online: vectors with gradient (`teacher` has none).
            clips, videos: int64 [batch], ids that are not negative.
        """
        masked = self._masked(clips, videos)
        parts = {
            name: contrast(
                getattr(online, query),
                getattr(online, other),
                self._negatives(other, online),
                masked,
                self.temperature,
            )
            for name, (query, other) in DIRECTIONS.items()
        }
        return Loss(_reduce(parts, self.reduction, within="sum"), parts)

    @torch.no_grad()
    def enqueue(self, keys: Vectors, clips: Tensor, videos: Tensor) -> None:
        """Put the momentum side's vectors of a whole batch in place of the oldest entries.

        With several processes, pass what all of them gathered, in rank order.
        """
        places = (self.next + torch.arange(len(clips), device=clips.device)) % len(self.clips)
        for name, vectors in zip(Vectors._fields, keys, strict=True):
            getattr(self, f"queue_{name}")[places] = vectors
        self.clips[places] = clips
        self.videos[places] = videos
        self.next.copy_((self.next + len(clips)) % len(self.clips))

    def _negatives(self, name: str, online: Vectors) -> Tensor:
        queue = getattr(self, f"queue_{name}")
        return torch.cat([queue, getattr(online, name)]) if self.batch_negatives else queue

    def _masked(self, clips: Tensor, videos: Tensor) -> Tensor:
        own, queued = (clips, self.clips) if self.mask_same == "clip" else (videos, self.videos)
        masked = _same(own, queued) | (queued == NONE)
        return torch.cat([masked, _same(own, own)], dim=1) if self.batch_negatives else masked


class InBatchLoss(nn.Module):
    """Wav2CLIP's loss with cross projections: the batch's other samples are the negatives.

    As in Wav2CLIP the two directions of a term are averaged; the temperature is fixed here.
    Samples of the query's own clip (or video) are masked.
    """

    uses_keys = False

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.temperature = config.temperature
        self.mask_same = config.mask_same
        self.reduction = config.term_reduction

    def forward(self, online: Vectors, clips: Tensor, videos: Tensor) -> Loss:
        """Loss of a batch; arguments as in CrossProjectionLoss."""
        # The positive stands in its own column of `contrast`, so the diagonal is masked as well.
        masked = _same(clips, clips) if self.mask_same == "clip" else _same(videos, videos)
        parts = {}
        for name, (query, other) in DIRECTIONS.items():
            candidates = getattr(online, other)
            parts[name] = contrast(getattr(online, query), candidates, candidates, masked, self.temperature)
        return Loss(_reduce(parts, self.reduction, within="mean"), parts)

    def enqueue(self, keys: Vectors, clips: Tensor, videos: Tensor) -> None:
        """Nothing is kept between batches."""


class SigmoidLoss(nn.Module):
    """SigLIP's loss with cross projections: each pair of the batch is a yes or no of its own.

    In each of the two spaces, with logit = scale * cosine + bias, every sample adds
    -log sigmoid(logit) of its own pair and -log sigmoid(-logit) of its pairs with the others. Scale
    and bias are learned for each space. Pairs with another sample of the same clip (or video) do
    not count.
    """

    uses_keys = False

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.mask_same = config.mask_same
        self.reduction = config.term_reduction
        self.log_scale = nn.Parameter(torch.full((len(SPACES),), -math.log(config.temperature)))
        self.bias = nn.Parameter(torch.full((len(SPACES),), config.siglip_bias))

    def forward(self, online: Vectors, clips: Tensor, videos: Tensor) -> Loss:
        """Loss of a batch; arguments as in CrossProjectionLoss."""
        own = torch.eye(len(clips), dtype=torch.bool, device=clips.device)
        same = _same(clips, clips) if self.mask_same == "clip" else _same(videos, videos)
        parts = {}
        for space, (name, (left, right)) in enumerate(SPACES.items()):
            cosines = getattr(online, left) @ getattr(online, right).T
            logits = self.log_scale[space].exp() * cosines + self.bias[space]
            losses = functional.softplus(torch.where(own, -logits, logits))
            parts[name] = losses.masked_fill(same & ~own, 0.0).sum(dim=1).mean()
        return Loss(_reduce(parts, self.reduction, within="sum"), parts)

    def enqueue(self, keys: Vectors, clips: Tensor, videos: Tensor) -> None:
        """Nothing is kept between batches."""


def make_objective(config: TrainingConfig, embedding_dim: int, teacher_dim: int) -> nn.Module:
    """The objective that `training.loss` names."""
    if config.loss == "in_batch":
        return InBatchLoss(config)
    if config.loss == "siglip":
        return SigmoidLoss(config)
    return CrossProjectionLoss(embedding_dim, teacher_dim, config)


def _same(left: Tensor, right: Tensor) -> Tensor:
    return left[:, None] == right[None, :]


def _reduce(parts: dict[str, Tensor], across: str, within: str) -> Tensor:
    total = sum(parts.values())
    total = total / 2 if within == "mean" else total
    return total / 2 if across == "mean" else total
