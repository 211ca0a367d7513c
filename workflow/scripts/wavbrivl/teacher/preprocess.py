"""What the image tower sees: an exact square, and colour augmentation in training."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def to_unit(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """uint8 [B, H, W, 3] to float32 [B, 3, H, W] in [0, 1].

    Raises:
        ValueError: another shape or type.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"images must be uint8 [n, height, width, 3], got {images.dtype} {images.shape}")
    pixels = torch.from_numpy(np.array(images, order="C")).to(device)  # a copy: decoded images are read-only
    return pixels.permute(0, 3, 1, 2).float() / 255


def resize_square(pixels: Tensor, size: int, antialias: bool) -> Tensor:
    """Resize [B, 3, H, W] to [B, 3, size, size], whatever the aspect ratio; bilinear, no crop.

    Released BriVL did not smooth before shrinking (torchvision 0.8 and 0.9 on tensors): with its
    weights `antialias` has to be false.
    """
    if pixels.shape[-2:] == (size, size):
        return pixels
    return functional.interpolate(
        pixels, (size, size), mode="bilinear", align_corners=False, antialias=antialias
    )


def normalise(pixels: Tensor) -> Tensor:
    """Subtract ImageNet's mean and divide by its standard deviation, channel by channel."""
    mean = torch.tensor(MEAN, device=pixels.device).view(3, 1, 1)
    deviation = torch.tensor(DEVIATION, device=pixels.device).view(3, 1, 1)
    return (pixels - mean) / deviation


def shrink(image: np.ndarray, size: int, antialias: bool) -> np.ndarray:
    """One uint8 [H, W, 3] image resized to [size, size, 3], rounded back to uint8."""
    pixels = resize_square(to_unit(image[None]), size, antialias)[0]
    return (pixels * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
