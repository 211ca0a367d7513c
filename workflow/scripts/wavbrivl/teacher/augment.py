"""BriVL's training augmentation on a whole batch: colour jitter, then random grayscale.

Factors are drawn image by image from an explicit generator. The four adjustments are torchvision's
(tested against it); their order is drawn once a batch.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

BRIGHTNESS = CONTRAST = SATURATION = 0.4
HUE = 0.1
JITTERED, GRAY = 0.8, 0.2
"""Chances of an image in BriVL's own training."""


def augment(
    pixels: Tensor,
    generator: torch.Generator,
    strength: float,
    jitter_probability: float,
    gray_probability: float,
) -> Tensor:
    """Jitter colours and drop colour at random.

    Args:
        pixels: [B, 3, H, W] in [0, 1].
        generator: the only source of randomness, on the CPU.
        strength: share of BriVL's jitter ranges.
        jitter_probability: chance of each image to be jittered.
        gray_probability: chance of each image to become gray.

    Returns:
        [B, 3, H, W] in [0, 1].
    """
    count = pixels.shape[0]
    order = torch.randperm(4, generator=generator).tolist()
    factors = torch.rand(4, count, generator=generator) * 2 - 1
    jittered = torch.rand(count, generator=generator) < jitter_probability
    gray = torch.rand(count, generator=generator) < gray_probability
    factors = (factors * jittered * strength).to(pixels.device)
    steps = (
        lambda x: adjust_brightness(x, 1 + BRIGHTNESS * factors[0]),
        lambda x: adjust_contrast(x, 1 + CONTRAST * factors[1]),
        lambda x: adjust_saturation(x, 1 + SATURATION * factors[2]),
        lambda x: adjust_hue(x, HUE * factors[3]),
    )
    for position in order:
        pixels = steps[position](pixels)
    return torch.where(_per_image(gray.to(pixels.device)), to_gray(pixels).expand_as(pixels), pixels)


def looks_of(pixels: Tensor, generators: Sequence[torch.Generator | None]) -> Tensor:
    """BriVL's augmentation, image by image, so that a look does not depend on its batch.

    Args:
        pixels: [B, 3, H, W] in [0, 1].
        generators: of each image; None leaves it as it is.
    """
    rows = [
        row if generator is None else augment(row, generator, 1.0, JITTERED, GRAY)
        for row, generator in zip(pixels.split(1), generators, strict=True)
    ]
    return torch.cat(rows)


def to_gray(pixels: Tensor) -> Tensor:
    """Luma of [B, 3, H, W] as [B, 1, H, W] (ITU-R 601 weights)."""
    red, green, blue = pixels.unbind(1)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)


def adjust_brightness(pixels: Tensor, factor: Tensor) -> Tensor:
    """Blend with black; `factor` [B], 1 changes nothing."""
    return (pixels * _per_image(factor)).clamp(0, 1)


def adjust_contrast(pixels: Tensor, factor: Tensor) -> Tensor:
    """Blend with the image's mean luma; `factor` [B], 1 changes nothing."""
    return _blend(pixels, to_gray(pixels).mean(dim=(1, 2, 3), keepdim=True), factor)


def adjust_saturation(pixels: Tensor, factor: Tensor) -> Tensor:
    """Blend with the luma of each pixel; `factor` [B], 1 changes nothing."""
    return _blend(pixels, to_gray(pixels), factor)


def adjust_hue(pixels: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue by `turn` [B] of a full circle; 0 changes nothing."""
    high, low = pixels.amax(dim=1), pixels.amin(dim=1)
    spread = high - low
    red, green, blue = pixels.unbind(1)
    safe = torch.where(spread == 0, torch.ones_like(spread), spread)
    sector = torch.where(
        high == red,
        (green - blue) / safe,
        torch.where(high == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = sector + 6 * turn.view(-1, 1, 1)
    # A channel falls from `high` by `spread` times how far the hue lies outside its third of the circle.
    offset = torch.tensor([5.0, 3.0, 1.0], device=pixels.device).view(1, 3, 1, 1)
    k = (offset + hue.unsqueeze(1)) % 6
    fall = torch.minimum(k, 4 - k).clamp(0, 1)
    return high.unsqueeze(1) - spread.unsqueeze(1) * fall


def _blend(pixels: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    factor = _per_image(factor)
    return (factor * pixels + (1 - factor) * other).clamp(0, 1)


def _per_image(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)
