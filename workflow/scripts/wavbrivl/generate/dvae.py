"""The discrete VAE of DALL·E: pictures to tokens by Gumbel softmax, and back.

Source: DALL·E's description and DALLE-pytorch's layout (stride-2 convolutions to logits over the codes, a
mirrored decoder); sizes and schedule are configuration.
"""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from wavbrivl.config.generation import DalleConfig, DvaeConfig
from wavbrivl.generate.frames import Frames
from wavbrivl.generate.training import fit, in_bfloat16
from wavbrivl.generate.weights import load_module, save_module


class Residual(nn.Module):
    """Two 3 x 3 convolutions and a 1 x 1, added to the input."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Dvae(nn.Module):
    """Pictures [B, 3, S, S] in [0, 1] and tokens [B, grid^2], grid = S / 2^downsamples.

    Args:
        config: sizes.
    """

    def __init__(self, config: DvaeConfig):
        super().__init__()
        self.config = config
        width = config.hidden
        inward: list[nn.Module] = []
        for level in range(config.downsamples):
            inward += [nn.Conv2d(width if level else 3, width, 4, stride=2, padding=1), nn.ReLU()]
        inward += [Residual(width) for _ in range(config.residual_blocks)]
        self.encoder = nn.Sequential(*inward, nn.Conv2d(width, config.codes, 1))
        # The logits are normalised, so that their spread cannot run away from the Gumbel noise.
        self.sharpness = nn.Parameter(torch.tensor(3.0))
        self.codebook = nn.Embedding(config.codes, config.code_dim)
        outward: list[nn.Module] = [nn.Conv2d(config.code_dim, width, 3, padding=1)]
        outward += [Residual(width) for _ in range(config.residual_blocks)]
        for level in range(config.downsamples):
            last = level == config.downsamples - 1
            outward += [
                nn.ConvTranspose2d(width, width // 2 if last else width, 4, stride=2, padding=1),
                nn.ReLU(),
            ]
        self.decoder = nn.Sequential(*outward, nn.Conv2d(width // 2, 3, 3, padding=1))

    def logits(self, pixels: Tensor) -> Tensor:
        """Over the codes: [B, codes, grid, grid]."""
        raw = self.encoder(pixels * 2 - 1)
        mean, deviation = raw.mean(dim=1, keepdim=True), raw.std(dim=1, keepdim=True)
        return self.sharpness * (raw - mean) / (deviation + 1e-5)

    def paint(self, codes: Tensor) -> Tensor:
        """From a mixture of codes [B, codes, grid, grid] to pixels, not clamped."""
        mixed = torch.einsum("bkhw,kd->bdhw", codes, self.codebook.weight)
        return self.decoder(mixed) / 2 + 0.5

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Tensor:
        """The likeliest tokens, int64 [B, grid^2], row by row."""
        return self.logits(pixels).argmax(dim=1).flatten(1)

    @torch.no_grad()
    def decode(self, tokens: Tensor) -> Tensor:
        """Pictures of tokens [B, grid^2]: [B, 3, S, S] in [0, 1]."""
        grid = math.isqrt(tokens.shape[1])
        vectors = self.codebook(tokens).transpose(1, 2).unflatten(2, (grid, grid))
        return (self.decoder(vectors) / 2 + 0.5).clamp(0, 1)


def temperature_at(step: int, config: DvaeConfig) -> tuple[float, bool]:
    """Temperature of a step, and whether codes are drawn hard by then."""
    annealing = max(1.0, config.training.steps * (1 - config.hard_share))
    ratio = config.temperature_end / config.temperature_start
    return config.temperature_start * ratio ** min(1.0, step / annealing), step >= annealing


def dvae_loss(dvae: Dvae, pixels: Tensor, temperature: float, hard: bool) -> tuple[Tensor, dict[str, float]]:
    """Squared error of the reconstruction, and the marginal entropy that the codes fall short of."""
    logits = dvae.logits(pixels)
    codes = functional.gumbel_softmax(logits.float(), tau=temperature, hard=hard, dim=1)
    error = functional.mse_loss(dvae.paint(codes).float(), pixels) * 4
    marginal = logits.float().softmax(dim=1).mean(dim=(0, 2, 3))
    entropy = -(marginal * (marginal + 1e-9).log()).sum()
    shortfall = math.log(dvae.config.codes) - entropy
    return error + dvae.config.entropy_weight * shortfall, {
        "error": error.item(),
        "code_entropy": entropy.item(),
    }


def train_dvae(frames: Frames, config: DalleConfig, folder: Path, seed: int, device: torch.device) -> Dvae:
    """Train and save `config.json`, `model.safetensors` and `training.jsonl`."""
    dvae = Dvae(config.dvae).to(device)
    training = config.dvae.training

    def loss(rows: np.ndarray, step: int) -> tuple[Tensor, dict[str, float]]:
        pixels = frames.pixels(rows).to(device)
        with in_bfloat16(training, device):
            return dvae_loss(dvae, pixels, *temperature_at(step, config.dvae))

    facts = {"dvae": config.dvae.model_dump(), "side": config.image_size, "clips": frames.clip_ids}
    fit(dvae, loss, len(frames), training, seed, facts, folder, "dVAE steps")
    save_module(folder, dvae, config.dvae)
    return dvae


def load_dvae(folder: Path, device: torch.device) -> Dvae:
    """Read what `train_dvae` saved."""
    return load_module(folder, Dvae, DvaeConfig, device)
