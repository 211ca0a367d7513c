"""The processes that train together: what they exchange, and nothing else.

Every process holds the same weights, optimiser and queues and sees its own share of each global
batch. What is exchanged is gathered in rank order, so all of them go on from the same numbers.
"""

from collections.abc import Iterable, Iterator

import torch
import torch.distributed as dist
from torch import Tensor, nn

BUCKET = 2**24
"""Gradient values that are summed in one message (64 MiB): few messages, little extra memory."""


class Group:
    """All processes of this training; of one process where torch.distributed was not started."""

    def __init__(self) -> None:
        together = dist.is_available() and dist.is_initialized()
        self.rank = dist.get_rank() if together else 0
        self.size = dist.get_world_size() if together else 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    @torch.no_grad()
    def gather(self, rows: Tensor) -> Tensor:
        """Rows of all processes, [n, ...] of each, one after the other in rank order; without gradient."""
        if self.size == 1:
            return rows.detach()
        gathered = [torch.empty_like(rows) for _ in range(self.size)]
        dist.all_gather(gathered, rows.detach().contiguous())
        return torch.cat(gathered)

    def own(self, rows: Tensor) -> Tensor:
        """This process's rows of what `gather` gave."""
        count = len(rows) // self.size
        return rows[self.rank * count : (self.rank + 1) * count]

    @torch.no_grad()
    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its sum over all processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        for bucket in _buckets(gradients):
            flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
            dist.all_reduce(flat)
            parts = flat.split([gradient.numel() for gradient in bucket])
            for gradient, part in zip(bucket, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    def from_first(self, values: list[float], device: torch.device) -> list[float]:
        """The numbers that the first process has, in every process."""
        if self.size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=device)
        dist.broadcast(tensor, src=0)
        return tensor.tolist()


def _buckets(gradients: list[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    for gradient in gradients:
        if bucket and sum(g.numel() for g in bucket) + gradient.numel() > BUCKET:
            yield bucket
            bucket = []
        bucket.append(gradient)
    if bucket:
        yield bucket
