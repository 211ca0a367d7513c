"""BriVL's objective: two queues of negatives, filled by momentum copies of the towers.

Source: BriVL's public model code as described in the project's docs (section 1.8): image to text and
text to image are added, negatives come from the queues alone, the temperature is fixed.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

EMPTY = -1
"""In a tag: an entry that has not been filled yet."""

TEXT, LABEL, BRIEF = range(3)
"""Columns of a tag: number of the text, number of the label, 1 where the text is the label alone."""


class Queues(nn.Module):
    """Two rings of keys, images and texts, with a tag that tells which negatives would be false.

    Args:
        size: entries in each ring; every batch must divide it.
        dim: width of a key.
    """

    images: Tensor
    texts: Tensor
    tags: Tensor
    pointer: Tensor

    def __init__(self, size: int, dim: int):
        super().__init__()
        self.register_buffer("images", torch.zeros(size, dim))
        self.register_buffer("texts", torch.zeros(size, dim))
        self.register_buffer("tags", torch.full((size, 3), EMPTY, dtype=torch.int64))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def add(self, images: Tensor, texts: Tensor, tags: Tensor) -> None:
        """Overwrite the oldest entries: keys [B, dim] and tags [B, 3].

        Raises:
            ValueError: the batch does not divide the queue.
        """
        size, batch = len(self.tags), len(tags)
        if size % batch:
            raise ValueError(f"a batch of {batch} does not divide a queue of {size}")
        start = int(self.pointer)
        self.images[start : start + batch] = images
        self.texts[start : start + batch] = texts
        self.tags[start : start + batch] = tags
        self.pointer.fill_((start + batch) % size)

    def usable(self, tags: Tensor) -> Tensor:
        """Which entries are negatives of each query with tags [B, 3]: boolean [B, size].

        None is an entry that is not filled, one with the query's own text, and, where either text is
        a label alone, one of the same label: all of these may describe the query as well.
        """
        mine, theirs = tags[:, None], self.tags[None]
        same_text = mine[..., TEXT] == theirs[..., TEXT]
        same_label = mine[..., LABEL] == theirs[..., LABEL]
        brief = (mine[..., BRIEF] == 1) | (theirs[..., BRIEF] == 1)
        return (theirs[..., TEXT] != EMPTY) & ~same_text & ~(brief & same_label)


def contrast(
    queries: Tensor, positives: Tensor, negatives: Tensor, usable: Tensor, temperature: float
) -> Tensor:
    """Cross-entropy of each query's positive against its usable negatives, averaged.

    Args:
        queries, positives: [B, dim], unit norm, row by row a pair.
        negatives: [K, dim], unit norm.
        usable: boolean [B, K].
        temperature: fixed divisor of the similarities.
    """
    positive = (queries * positives).sum(dim=-1, keepdim=True)
    negative = (queries @ negatives.T).masked_fill(~usable, float("-inf"))
    logits = torch.cat([positive, negative], dim=1) / temperature
    target = torch.zeros(len(queries), dtype=torch.int64, device=queries.device)
    return functional.cross_entropy(logits, target)


def two_queue_loss(
    image: Tensor, text: Tensor, image_key: Tensor, text_key: Tensor,
    tags: Tensor, queues: Queues, temperature: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Image to text and text to image; BriVL minimises their sum.

    Args:
        image, text: queries [B, dim] with gradient, unit norm.
        image_key, text_key: keys [B, dim] of the momentum towers, unit norm, without gradient.
        tags: int64 [B, 3] of the queries (columns `TEXT`, `LABEL`, `BRIEF`).
        queues: negatives; to be filled with these keys afterwards, never before.
        temperature: fixed.
    """
    usable = queues.usable(tags)
    image_to_text = contrast(image, text_key, queues.texts, usable, temperature)
    text_to_image = contrast(text, image_key, queues.images, usable, temperature)
    return image_to_text, text_to_image


@torch.no_grad()
def follow(keys: nn.Module, towers: nn.Module, momentum: float) -> None:
    """Move the key towers' parameters towards the towers'; buffers (batch norm) are their own."""
    mine, theirs = list(keys.parameters()), list(towers.parameters())
    torch._foreach_mul_(mine, momentum)
    torch._foreach_add_(mine, theirs, alpha=1 - momentum)
