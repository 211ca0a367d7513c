"""Region pooling against affine_grid and grid_sample, the arithmetic of the released code."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.teacher_samples import TINY
from torch import nn
from torch.nn import functional

from wavbrivl.teacher.regions import pooling_weights
from wavbrivl.teacher.towers import ImageTower


def sampled(features: torch.Tensor, boxes: torch.Tensor, image_size: int, grid: int) -> torch.Tensor:
    """[C, H, W] and [N, 4] to [N, C, grid, grid], box by box."""
    height, width = features.shape[1:]
    found = []
    for left, top, right, bottom in boxes.tolist():
        x1, x2 = (edge * width / image_size for edge in (left, right))
        y1, y2 = (edge * height / image_size for edge in (top, bottom))
        theta = torch.tensor([[
            [(x2 - x1) / (width - 1), 0, (x1 + x2 - width + 1) / (width - 1)],
            [0, (y2 - y1) / (height - 1), (y1 + y2 - height + 1) / (height - 1)],
        ]])  # fmt: skip
        places = functional.affine_grid(theta, [1, 1, grid, grid], align_corners=False)
        found.append(functional.grid_sample(features[None], places, align_corners=False)[0])
    return torch.stack(found)


edges = st.tuples(st.floats(0, 90), st.floats(1, 60))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(edges, edges), min_size=1, max_size=4), st.integers(2, 9), st.integers(1, 5))
def test_weights_pool_what_grid_sample_samples(spans, cells, grid):
    boxes = torch.tensor([[x, y, x + w, y + h] for (x, w), (y, h) in spans])
    features = torch.randn(3, cells, cells + 1, generator=torch.Generator().manual_seed(cells))
    expected = sampled(features, boxes, 100, grid).mean(dim=(2, 3))
    weights = pooling_weights(boxes, 100, cells, cells + 1, grid)
    torch.testing.assert_close(weights @ features.flatten(1).T, expected, atol=1e-4, rtol=1e-4)


def test_convolving_after_pooling_equals_convolving_every_sample():
    torch.manual_seed(0)
    tower = ImageTower(TINY.image, 8).eval()
    pixels = torch.randn(2, 3, 32, 32)
    boxes = torch.tensor([[0.0, 0, 16, 16], [8, 8, 40, 30], [0, 0, 32, 32]]).expand(2, 3, 4)
    convolution: nn.Conv2d = tower.learnable["max_pool"][0]
    with torch.no_grad():
        features = tower.backbone.forward_features(pixels)
        expected = torch.stack(
            [convolution(sampled(f, b, 32, 2)).mean(dim=(2, 3)) for f, b in zip(features, boxes, strict=True)]
        )
        torch.testing.assert_close(tower.regions(pixels, boxes), expected, atol=1e-5, rtol=1e-4)
