"""The guide: WavBriVL's score of a picture against a sound, the cosine in the teacher's space. Frozen."""

import numpy as np
import torch
from torch import Tensor

from wavbrivl.teacher.interface import FrozenTeacher


class Guide:
    """Scores pictures; nothing in it is trained.

    Args:
        teacher: the frozen towers.
        batch_size: pictures a forward pass.
    """

    def __init__(self, teacher: FrozenTeacher, batch_size: int = 64):
        self.teacher, self.batch_size = teacher, batch_size

    def scores(self, images: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Cosine of each picture with its own vector.

        Args:
            images: uint8 [n, side, side, 3].
            vectors: float32 [n, dim], unit length.

        Returns:
            float64 [n].
        """
        embedded = self.teacher.embed_images(images, self.batch_size)
        return (embedded.astype(np.float64) * vectors.astype(np.float64)).sum(axis=1)

    def embed(self, pixels: Tensor) -> Tensor:
        """Embeddings that gradients flow through.

        Args:
            pixels: float [B, 3, S, S] in [0, 1].

        Returns:
            [B, dim], unit length.
        """
        return self.teacher.embed_pixels(pixels)


def to_uint8(pixels: Tensor) -> np.ndarray:
    """float [B, 3, S, S] in [0, 1] to uint8 [B, S, S, 3]."""
    scaled = (pixels.detach().float() * 255).round().clamp(0, 255).to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).cpu().numpy()
