"""The components of latents, against numpy's singular values."""

import numpy as np
import pytest
import torch

from wavbrivl.errors import UserError
from wavbrivl.generate.subspace import FILE, Subspace, load_subspace, principal_directions

CPU = torch.device("cpu")


def test_directions_are_those_of_the_singular_values():
    rows = torch.randn(20, 300, generator=torch.Generator().manual_seed(1)) * torch.linspace(3, 0.1, 300)
    centred = rows - rows.mean(dim=0)
    found = principal_directions(centred, 6).numpy()
    _, lengths, directions = np.linalg.svd(centred.numpy().astype(np.float64), full_matrices=False)
    expected = directions[:6] * lengths[:6, None] / np.sqrt(20)
    signs = np.sign((found * expected).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found, expected * signs, atol=1e-4)
    assert (found[np.arange(6), np.abs(found).argmax(axis=1)] > 0).all(), "the sign is fixed"


def test_coordinates_are_standard_deviations_of_real_latents():
    rows = torch.randn(50, 4, generator=torch.Generator().manual_seed(2)) @ torch.diag(
        torch.tensor([5.0, 2, 1, 0.5])
    )
    mean = rows.mean(dim=0)
    subspace = Subspace(mean.view(4, 1, 1), principal_directions(rows - mean, 4).view(4, 4, 1, 1))
    directions = subspace.directions.flatten(1)
    coordinates = (rows - mean) @ directions.T / directions.square().sum(dim=1)
    torch.testing.assert_close(coordinates.square().mean(dim=0), torch.ones(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(subspace.latents(coordinates).flatten(1), rows, atol=1e-4, rtol=0)


def test_it_comes_back_and_a_damaged_file_is_named(tmp_path):
    subspace = Subspace(torch.randn(2, 3, 3), torch.randn(4, 2, 3, 3))
    subspace.save(tmp_path)
    back = load_subspace(tmp_path, CPU)
    assert torch.equal(back.mean, subspace.mean) and torch.equal(back.directions, subspace.directions)
    (tmp_path / FILE).write_bytes(b"none")
    with pytest.raises(UserError, match=r"latents\.safetensors cannot be read"):
        load_subspace(tmp_path, CPU)
    with pytest.raises(UserError, match="train_vq writes it"):
        load_subspace(tmp_path / "absent", CPU)
