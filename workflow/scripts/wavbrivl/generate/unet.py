"""The diffusion model: a UNet over folded pixels, under the teacher's image embedding."""

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, UNet2DConditionModel
from torch import Tensor
from torch.nn import functional

from wavbrivl.config.generation import DiffusionConfig


def build_unet(config: DiffusionConfig, dim: int) -> UNet2DConditionModel:
    """An untrained UNet that takes an embedding [B, dim] as its class embedding, and no cross-attention."""
    unet, levels = config.unet, len(config.unet.channels)
    folded = 3 * unet.patch**2
    return UNet2DConditionModel(
        sample_size=config.image_size // unet.patch,
        in_channels=folded,
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


def scheduler_options(config: DiffusionConfig) -> dict:
    """What training and every sampler share."""
    return {
        "num_train_timesteps": config.noise_steps,
        "beta_schedule": "squaredcos_cap_v2",
        "prediction_type": "sample",
    }


def build_sampler(config: DiffusionConfig) -> DDIMScheduler | DPMSolverMultistepScheduler:
    """The configured sampler."""
    options = scheduler_options(config)
    if config.draw.sampler == "ddim":
        return DDIMScheduler(**options, timestep_spacing="trailing", clip_sample=False)
    return DPMSolverMultistepScheduler(**options, algorithm_type="dpmsolver++", timestep_spacing="trailing")


def fold(pixels: Tensor, patch: int) -> Tensor:
    """[B, 3, S, S] in [0, 1] to [B, 3 patch^2, S/patch, S/patch] in [-1, 1]."""
    return functional.pixel_unshuffle(pixels * 2 - 1, patch)


def unfold(folded: Tensor, patch: int) -> Tensor:
    """The way back, clamped to [0, 1]."""
    return (functional.pixel_shuffle(folded, patch) / 2 + 0.5).clamp(0, 1)


def denoise(unet: UNet2DConditionModel, noisy: Tensor, times: Tensor, condition: Tensor) -> Tensor:
    """The clean picture that the network sees in a noisy one, [B, C, s, s]."""
    return unet(noisy, times, encoder_hidden_states=None, class_labels=condition).sample


@torch.no_grad()
def sample(
    unet: UNet2DConditionModel,
    sampler: DDIMScheduler | DPMSolverMultistepScheduler,
    condition: Tensor,
    noise: Tensor,
    steps: int,
    guidance: float,
) -> Tensor:
    """Denoise from pure noise.

    Args:
        unet: the network.
        sampler: deterministic.
        condition: [B, dim] unit vectors; rows of zeros draw without a condition.
        noise: [B, C, s, s], standard normal.
        steps: denoising steps.
        guidance: how far to go from the unconditioned prediction through the conditioned one.

    Returns:
        [B, C, s, s], folded pixels.
    """
    sampler.set_timesteps(steps, device=noise.device)
    empty = torch.zeros_like(condition)
    guided = guidance != 1.0 and bool((condition != 0).any())
    current = noise * sampler.init_noise_sigma
    for time in sampler.timesteps:
        times = time.expand(len(current)).to(noise.device)
        scaled = sampler.scale_model_input(current, time)
        clean = denoise(unet, scaled, times, condition)
        if guided:
            clean = guidance * clean + (1 - guidance) * denoise(unet, scaled, times, empty)
        current = sampler.step(clean, time, current).prev_sample
    return current
