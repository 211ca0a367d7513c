"""Region boxes and where they are sampled: numbers measured on the released model's arithmetic."""

import pytest
import torch

from wavbrivl.errors import UserError
from wavbrivl.teacher.regions import grid_boxes, pooling_weights, sampling_positions


@pytest.mark.parametrize(
    ("image_size", "cells", "whole", "first", "last"),
    [
        (380, 12, (1.136, 4.409, 7.682, 10.955),
         (-0.227, 0.318, 0.864, 1.409), (10.682, 11.227, 11.773, 12.318)),
        (456, 15, (1.509, 5.527, 9.545, 13.562),
         (-0.165, 0.504, 1.174, 1.844), (13.228, 13.897, 14.567, 15.237)),
    ],
)  # fmt: skip
def test_sampling_positions_are_those_of_released_brivl(image_size, cells, whole, first, last):
    boxes = grid_boxes(image_size, 6) / (image_size / cells)
    across = sampling_positions(boxes[:, 0], boxes[:, 2], cells, 4)
    down = sampling_positions(boxes[:, 1], boxes[:, 3], cells, 4)
    for positions in (across, down):
        torch.testing.assert_close(positions[36], torch.tensor(whole), atol=6e-4, rtol=0)
        torch.testing.assert_close(positions[0], torch.tensor(first), atol=6e-4, rtol=0)
        torch.testing.assert_close(positions[35], torch.tensor(last), atol=6e-4, rtol=0)


def test_the_grid_has_37_boxes_that_tile_the_image_and_the_whole_last():
    boxes = grid_boxes(456, 6)
    assert boxes.shape == (37, 4)
    assert boxes[-1].tolist() == [0, 0, 456, 456]
    sides = boxes[:-1, 2:] - boxes[:-1, :2]
    assert float(sides.prod(dim=1).sum()) == pytest.approx(456**2)
    assert len({tuple(box) for box in boxes[:-1].tolist()}) == 36


def test_border_tiles_are_partly_zero_padded_and_inner_ones_are_not():
    weights = pooling_weights(grid_boxes(380, 6), 380, 12, 12, 4).sum(dim=1)
    assert weights[0] < 0.95  # corner
    assert weights[14] == pytest.approx(1.0)  # third row, third column
    assert weights[36] == pytest.approx(1.0)


def test_a_map_of_one_cell_is_refused():
    with pytest.raises(UserError, match="feature map"):
        pooling_weights(grid_boxes(32, 2), 32, 1, 1, 4)
