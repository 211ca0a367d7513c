"""Random views of a picture that gradients flow through: crops, turns, colour jitter, erasing, noise."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from wavbrivl.config.generation import LatentDrawConfig

PARAMETERS = 11
"""Uniform numbers that decide one view."""
_TURN = math.radians(7)
_ERASED = 0.25
_GREY = (0.299, 0.587, 0.114)


def cutouts(pixels: Tensor, numbers: Tensor, noise: Tensor, config: LatentDrawConfig) -> Tensor:
    """Views of each picture; the first shows the whole of it.

    Args:
        pixels: [B, 3, S, S] in [0, 1].
        numbers: in [0, 1), [B, cutouts, PARAMETERS].
        noise: standard normal, [B, cutouts, 3, size, size]; size is that of the views.
        config: how strong everything is.

    Returns:
        [B * cutouts, 3, size, size], the views of a picture side by side.
    """
    count, size = numbers.shape[1], noise.shape[-1]
    repeated = pixels.repeat_interleave(count, dim=0)
    draws = numbers.flatten(0, 1)
    views = functional.grid_sample(
        repeated, _places(draws, count, size, config), padding_mode="border", align_corners=False
    )
    views = _erased(_jittered(views, draws, config.jitter), draws, config.erasing)
    strength = (config.noise * draws[:, 10]).view(-1, 1, 1, 1)
    return views + strength * noise.flatten(0, 1)


def _places(draws: Tensor, count: int, size: int, config: LatentDrawConfig) -> Tensor:
    """Where each pixel of each view is taken from, [views, size, size, 2]."""
    scale = config.smallest_cutout + (1 - config.smallest_cutout) * draws[:, 0]
    turn = (2 * draws[:, 1] - 1) * _TURN
    whole = torch.arange(len(draws), device=draws.device) % count == 0
    scale, turn = torch.where(whole, 1.0, scale), torch.where(whole, 0.0, turn)
    shift = (2 * draws[:, 2:4] - 1) * (1 - scale)[:, None]
    cosine, sine = scale * torch.cos(turn), scale * torch.sin(turn)
    rows = torch.stack([cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]], dim=1).view(-1, 2, 3)
    return functional.affine_grid(rows, [len(draws), 3, size, size], align_corners=False)


def _jittered(views: Tensor, draws: Tensor, strength: float) -> Tensor:
    """Brightness, contrast and saturation, each up to `strength` in either direction."""
    factors = (1 + strength * (2 * draws[:, 4:7] - 1)).view(-1, 3, 1, 1, 1)
    weights = torch.tensor(_GREY, device=views.device).view(1, 3, 1, 1)
    views = views * factors[:, 0]
    mean = (views * weights).sum(dim=1, keepdim=True).mean(dim=(2, 3), keepdim=True)
    views = mean + factors[:, 1] * (views - mean)
    grey = (views * weights).sum(dim=1, keepdim=True)
    return grey + factors[:, 2] * (views - grey)


def _erased(views: Tensor, draws: Tensor, probability: float) -> Tensor:
    """A square of a quarter of the edge becomes grey in some of the views."""
    size = views.shape[-1]
    edge = max(1, round(size * _ERASED))
    place = torch.arange(size, device=views.device)
    corners = (draws[:, 7:9] * (size - edge)).floor()
    inside = [(place >= corners[:, i, None]) & (place < corners[:, i, None] + edge) for i in range(2)]
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    chosen = (draws[:, 9] < probability).view(-1, 1, 1, 1)
    return torch.where(square & chosen, 0.5, views)
