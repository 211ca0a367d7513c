"""What the rest of the pipeline asks of a teacher, whatever model it is."""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

Precision = str
"""`float32`, `float16` or `bfloat16`."""


class FrozenTeacher(Protocol):
    """Images and texts in, unit vectors out (docs/teachers.md says how to add one).

    Attributes:
        dim: width of the shared space.
        language: what its texts are written in, `zh` or `en`.
        device: where it computes.
        image_size: side of the square that it sees.
    """

    dim: int
    language: str
    device: torch.device
    image_size: int

    def embed_images(
        self,
        images: np.ndarray | Sequence[np.ndarray],
        batch_size: int = 64,
        boxes: np.ndarray | None = None,
        looks: Sequence[torch.Generator | None] | None = None,
    ) -> np.ndarray:
        """Embed pictures.

        Args:
            images: uint8 [n, h, w, 3] RGB, or a list of uint8 [h, w, 3] of any sizes.
            batch_size: images a forward pass; it does not change the result beyond rounding.
            boxes: float [n, N, 4] regions in pixels of the square of `image_size`; for teachers without
                regions it has to be None.
            looks: for each image the generator of BriVL's colour jitter and grayscale, or None for the
                picture as it is.

        Returns:
            float32 [n, dim], unit norm.
        """
        ...

    def embed_texts(self, texts: Sequence[str], batch_size: int = 64) -> np.ndarray:
        """Embed texts in the teacher's language: float32 [n, dim], unit norm."""
        ...

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """Embed float [B, 3, H, W] in [0, 1] on the teacher's device, with gradient: [B, dim], unit norm."""
        ...

    def fingerprint(self) -> str:
        """sha256 of all that decides an embedding: equal for equal embeddings."""
        ...


def arithmetic(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Autocast to `precision` on a GPU; on a CPU, and for float32, nothing."""
    if device.type != "cuda" or precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast("cuda", getattr(torch, precision))


def digest(texts: Iterable[str], weights: Mapping[str, Tensor]) -> str:
    """sha256 over texts and, by name, the bytes of weights."""
    found = hashlib.sha256()
    for text in texts:
        found.update(text.encode())
    for key, value in sorted(weights.items()):
        found.update(key.encode())
        found.update(value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def stack(rows: Sequence[Tensor], dim: int) -> np.ndarray:
    """float32 [n, dim] of batches; [0, dim] of none."""
    if not rows:
        return np.zeros((0, dim), dtype=np.float32)
    return torch.cat(list(rows)).float().cpu().numpy()
