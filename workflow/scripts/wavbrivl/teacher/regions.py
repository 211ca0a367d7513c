"""The regions of an image and how they are pooled from a feature map (BriVL, multi-scale patches).

Each region is read on a small lattice of bilinear samples and averaged. Both steps are linear in the
features and separable in x and y, so a region is one row of weights over the map's cells.
"""

import torch
from torch import Tensor

from wavbrivl.errors import UserError


def grid_boxes(image_size: int, box_grid: int) -> Tensor:
    """Tiles of a square image, row by row, and the whole image last.

    Args:
        image_size: side of the image in pixels.
        box_grid: tiles a side; 6 gives BriVL's 37 regions.

    Returns:
        float32 [box_grid**2 + 1, 4]: left, top, right, bottom in pixels.
    """
    edges = torch.arange(box_grid + 1, dtype=torch.float32) * (image_size / box_grid)
    top, left = torch.meshgrid(edges[:-1], edges[:-1], indexing="ij")
    bottom, right = torch.meshgrid(edges[1:], edges[1:], indexing="ij")
    tiles = torch.stack([left, top, right, bottom], dim=-1).reshape(-1, 4)
    whole = torch.tensor([[0.0, 0.0, image_size, image_size]])
    return torch.cat([tiles, whole])


def sampling_positions(low: Tensor, high: Tensor, cells: int, grid_size: int) -> Tensor:
    """Where a region is sampled along one axis of the feature map.

    BriVL writes its affine map for corner-aligned coordinates, where cell 0 is -1 and the last cell +1,
    and then samples without corner alignment. The released weights grew with that, so it is kept:
    positions are spread by cells / (cells - 1), and the outermost tiles reach past the map.

    Args:
        low, high: [...] the region's edges in cells of the feature map.
        cells: length of the axis; at least 2.
        grid_size: samples along the axis.

    Returns:
        [..., grid_size] positions in cells; position 0 is the centre of the first cell.

    Raises:
        UserError: the feature map has a single cell.
    """
    if cells < 2:
        raise UserError("teacher.image: the backbone's feature map must have at least 2 x 2 cells")
    lattice = (2 * torch.arange(grid_size, device=low.device) + 1) / grid_size - 1
    scale = (high - low) / (cells - 1)
    shift = (low + high - cells + 1) / (cells - 1)
    normalised = scale[..., None] * lattice + shift[..., None]
    return ((normalised + 1) * cells - 1) / 2


def pooling_weights(boxes: Tensor, image_size: int, height: int, width: int, grid_size: int) -> Tensor:
    """Weights that pool each region from a feature map.

    Args:
        boxes: [..., 4] in pixels of the square image: left, top, right, bottom.
        image_size: side of the image in pixels.
        height, width: of the feature map in cells.
        grid_size: side of the sampling lattice inside each region.

    Returns:
        [..., height * width]; a row sums to less than 1 where the lattice leaves the map, because
        what lies outside counts as zero.
    """
    left, top, right, bottom = boxes.unbind(-1)
    across = _axis_weights(left, right, image_size, width, grid_size)
    down = _axis_weights(top, bottom, image_size, height, grid_size)
    return (down[..., :, None] * across[..., None, :]).flatten(-2)


def _axis_weights(low: Tensor, high: Tensor, image_size: int, cells: int, grid_size: int) -> Tensor:
    per_cell = image_size / cells
    positions = sampling_positions(low / per_cell, high / per_cell, cells, grid_size)
    distance = positions[..., None] - torch.arange(cells, device=low.device)
    return (1 - distance.abs()).clamp(min=0).mean(dim=-2)
