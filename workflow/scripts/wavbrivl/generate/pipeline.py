"""The diffusion model as a diffusers pipeline: a UNet over folded pixels under the teacher's embedding.

The embedding reaches the UNet twice: as its class embedding, and as a sketch, the mean picture that a
small network expects for that embedding, which is laid beside the noisy one. The sketch is learnt in
seconds, and the UNet has only to make a sharp picture of a blurred one (measured; see docs/generation.md).
"""

import math
import os
import tempfile
from pathlib import Path
from typing import Literal

import torch
from diffusers import (
    ConfigMixin,
    DDIMScheduler,
    DiffusionPipeline,
    DPMSolverMultistepScheduler,
    ModelMixin,
    UNet2DConditionModel,
)
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn import functional

from wavbrivl.config.generation import DiffusionConfig
from wavbrivl.errors import UserError

Sampler = DDIMScheduler | DPMSolverMultistepScheduler


class Sketch(ModelMixin, ConfigMixin):
    """The mean picture for an embedding [B, dim]: folded pixels [B, channels, size, size].

    A row of zeros gives the mean of all pictures.
    """

    @register_to_config
    def __init__(self, dim: int, hidden: int, channels: int, size: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(dim, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(),
            nn.Linear(hidden, channels * size * size),
        )  # fmt: skip

    def forward(self, condition: Tensor) -> Tensor:
        size = self.config.size
        return self.body(scaled(condition)).view(-1, self.config.channels, size, size)


def build_sketch(config: DiffusionConfig, dim: int) -> Sketch:
    """An untrained sketch."""
    size = config.image_size // config.unet.patch
    return Sketch(dim, config.unet.sketch_hidden, 3 * config.unet.patch**2, size)


def build_unet(config: DiffusionConfig, dim: int) -> UNet2DConditionModel:
    """An untrained UNet that takes an embedding [B, dim] as its class embedding, and no cross-attention."""
    unet, levels = config.unet, len(config.unet.channels)
    folded = 3 * unet.patch**2
    return UNet2DConditionModel(
        sample_size=config.image_size // unet.patch,
        in_channels=2 * folded,
        out_channels=folded,
        down_block_types=("DownBlock2D",) * levels,
        mid_block_type="UNetMidBlock2D",
        up_block_types=("UpBlock2D",) * levels,
        block_out_channels=tuple(unet.channels),
        layers_per_block=unet.layers,
        norm_num_groups=unet.groups,
        resnet_time_scale_shift="scale_shift",
        class_embed_type="projection",
        projection_class_embeddings_input_dim=dim,
    )


def build_scheduler(noise_steps: int) -> DPMSolverMultistepScheduler:
    """The noise schedule of training: squared cosine, the network predicting the clean picture."""
    return DPMSolverMultistepScheduler(
        num_train_timesteps=noise_steps,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="sample",
        algorithm_type="dpmsolver++",
        timestep_spacing="trailing",
    )


def sampler_of(scheduler: Sampler, name: Literal["ddim", "dpmsolver++"]) -> Sampler:
    """A deterministic sampler of the same noise schedule."""
    if name == "ddim":
        return DDIMScheduler.from_config(scheduler.config, clip_sample=False)
    return DPMSolverMultistepScheduler.from_config(scheduler.config)


def fold(pixels: Tensor, patch: int) -> Tensor:
    """[B, 3, S, S] in [0, 1] to [B, 3 patch^2, S/patch, S/patch] in [-1, 1]."""
    return functional.pixel_unshuffle(pixels * 2 - 1, patch)


def unfold(folded: Tensor, patch: int) -> Tensor:
    """The way back, clamped to [0, 1]."""
    return (functional.pixel_shuffle(folded, patch) / 2 + 0.5).clamp(0, 1)


def denoise(
    unet: UNet2DConditionModel, sketch: Tensor, noisy: Tensor, times: Tensor, condition: Tensor
) -> Tensor:
    """The clean picture that the network sees in a noisy one, [B, C, s, s]."""
    seen = torch.cat([noisy, sketch.to(noisy.dtype)], dim=1)
    return unet(seen, times, encoder_hidden_states=None, class_labels=scaled(condition)).sample


def scaled(condition: Tensor) -> Tensor:
    """A unit vector's entries are tiny beside the time's embedding: they are given unit variance."""
    return condition * math.sqrt(condition.shape[1])


class EmbeddingPipeline(DiffusionPipeline):
    """From unit vectors in the teacher's space to pictures.

    Args:
        unet: the network.
        sketch: of the same size.
        scheduler: its noise schedule and sampler.
    """

    def __init__(self, unet: UNet2DConditionModel, sketch: Sketch, scheduler: Sampler):
        super().__init__()
        self.register_modules(unet=unet, sketch=sketch, scheduler=scheduler)

    @property
    def patch(self) -> int:
        """Pixels along an edge that are folded into channels."""
        return math.isqrt(self.unet.config.out_channels // 3)

    @property
    def side(self) -> int:
        """Pixels along an edge of a picture."""
        return self.unet.config.sample_size * self.patch

    @property
    def noise_shape(self) -> tuple[int, int, int]:
        """Of the noise that one picture begins with."""
        size = self.unet.config.sample_size
        return self.unet.config.out_channels, size, size

    @torch.no_grad()
    def __call__(self, condition: Tensor, noise: Tensor, steps: int, guidance: float) -> Tensor:
        """Denoise from pure noise.

        Args:
            condition: [B, dim] unit vectors; rows of zeros draw without a condition.
            noise: [B, *noise_shape], standard normal.
            steps: denoising steps.
            guidance: how far to go from the unconditioned prediction through the conditioned one.

        Returns:
            [B, 3, side, side] in [0, 1].
        """
        self.scheduler.set_timesteps(steps, device=noise.device)
        empty = torch.zeros_like(condition)
        sketch, no_sketch = self.sketch(condition), self.sketch(empty)
        guided = guidance != 1.0 and bool((condition != 0).any())
        current = noise * self.scheduler.init_noise_sigma
        for time in self.scheduler.timesteps:
            times = time.expand(len(current)).to(noise.device)
            seen = self.scheduler.scale_model_input(current, time)
            clean = denoise(self.unet, sketch, seen, times, condition)
            if guided:
                free = denoise(self.unet, no_sketch, seen, times, empty)
                clean = free + guidance * (clean - free)
            current = self.scheduler.step(clean, time, current).prev_sample
        return unfold(current, self.patch)


def save_pipeline(folder: Path, pipeline: DiffusionPipeline) -> None:
    """Write diffusers' layout; each file is whole or absent, and `model_index.json` comes last."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".saving.") as temporary:
        pipeline.save_pretrained(temporary)
        files = sorted(path for path in Path(temporary).rglob("*") if path.is_file())
        for path in sorted(files, key=lambda path: path.name == "model_index.json"):
            target = folder / path.relative_to(temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)


def load_pipeline(folder: Path, device: torch.device) -> EmbeddingPipeline:
    """Read what `save_pipeline` wrote; weights come from safetensors only, and from this folder only.

    Raises:
        UserError: a file is missing or damaged.
    """
    try:
        pipeline = EmbeddingPipeline.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        message = str(error).split("\n")[0]
        raise UserError(f"{folder} cannot be read as a diffusion pipeline ({message})") from None
    pipeline.to(device)
    for part in (pipeline.unet, pipeline.sketch):
        part.eval().requires_grad_(False)
    return pipeline
