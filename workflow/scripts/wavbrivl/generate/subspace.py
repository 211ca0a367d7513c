"""Where the latents of real frames lie: their mean and the directions in which they differ most.

A small VQ model decodes only such latents into pictures. Moved freely, a latent soon leaves them for what
pleases the teacher and shows nothing; moved along these directions, weighed by how far real frames go, it
stays a picture.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from wavbrivl.errors import UserError
from wavbrivl.files import atomic
from wavbrivl.generate.frames import Frames
from wavbrivl.generate.weights import READABLE

FILE = "latents.safetensors"
FITTED_ON = 2048
"""Frames at most, drawn by the seed: all of them are one matrix in memory."""
_BATCH = 32


@dataclass(frozen=True)
class Subspace:
    """Coordinates to latents.

    Attributes:
        mean: [channels, grid, grid].
        directions: [components, channels, grid, grid], each as long as the standard deviation of real frames
            along it.
    """

    mean: Tensor
    directions: Tensor

    def __len__(self) -> int:
        return len(self.directions)

    def latents(self, coordinates: Tensor) -> Tensor:
        """Latents [n, channels, grid, grid] of coordinates [n, components], in standard deviations."""
        return self.mean + torch.einsum("nk,kchw->nchw", coordinates, self.directions)

    def save(self, folder: Path) -> None:
        """Write the file, whole or not at all."""
        with atomic(Path(folder) / FILE) as temporary:
            save_file({"mean": self.mean.cpu(), "directions": self.directions.cpu().contiguous()}, temporary)
            temporary.chmod(READABLE)


def load_subspace(folder: Path, device: torch.device) -> Subspace:
    """Read what `Subspace.save` wrote.

    Raises:
        UserError: it is missing or damaged.
    """
    path = Path(folder) / FILE
    try:
        found = load_file(path)
        return Subspace(found["mean"].to(device), found["directions"].to(device))
    except (OSError, KeyError, SafetensorError) as error:
        message = str(error).split("\n")[0]
        raise UserError(f"{path} cannot be read ({message}); train_vq writes it") from None


@torch.no_grad()
def fit_subspace(vq: VQModel, frames: Frames, components: int, seed: int, device: torch.device) -> Subspace:
    """Principal components of the latents of training frames.

    Raises:
        UserError: more components than frames can tell apart.
    """
    rows = np.random.default_rng(seed).permutation(len(frames))[:FITTED_ON]
    if components >= len(rows):
        raise UserError(
            f"generate.latent.vq.components {components}: {len(rows)} frames have {len(rows) - 1} at most"
        )
    parts = [frames.pixels(rows[i : i + _BATCH]).to(device) * 2 - 1 for i in range(0, len(rows), _BATCH)]
    latents = torch.cat([vq.encode(part).latents.float() for part in parts])
    mean = latents.mean(dim=0)
    return Subspace(mean, principal_directions((latents - mean).flatten(1), components).view(-1, *mean.shape))


def principal_directions(centred: Tensor, components: int) -> Tensor:
    """Directions of most variance, each as long as the standard deviation along it, [components, dim].

    By the products of the n rows with each other: there are fewer rows than dimensions. The sign is fixed
    (the largest entry is positive), so that the same frames give the same directions on every machine.
    """
    rows = centred.double()
    squares, vectors = torch.linalg.eigh(rows @ rows.T)
    strongest = torch.argsort(squares, descending=True)[:components]
    directions = vectors[:, strongest].T @ rows / len(rows) ** 0.5
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    return (directions * torch.where(largest < 0, -1.0, 1.0)).to(centred.dtype)
