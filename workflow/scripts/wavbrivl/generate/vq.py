"""The VQ model whose latent is moved: diffusers' VQModel, a small one trained here or a released folder."""

import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor
from torch.nn import functional

from wavbrivl.config.generation import LatentConfig, VqConfig
from wavbrivl.errors import UserError
from wavbrivl.generate.frames import Frames
from wavbrivl.generate.subspace import fit_subspace
from wavbrivl.generate.training import fit, in_bfloat16

FREE_SHARE = 0.5
"""Share of the steps, at the beginning, in which nothing is quantised yet."""
_CODEBOOK_FRAMES = 256


def build_vq(config: VqConfig, side: int) -> VQModel:
    """An untrained model."""
    levels = len(config.channels)
    return VQModel(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=tuple(config.channels),
        layers_per_block=1,
        latent_channels=config.code_dim,
        vq_embed_dim=config.code_dim,
        num_vq_embeddings=config.codes,
        norm_num_groups=config.groups,
        sample_size=side,
        mid_block_add_attention=False,
    )


def train_vq(frames: Frames, config: LatentConfig, folder: Path, seed: int, device: torch.device) -> VQModel:
    """Train and save in diffusers' layout.

    First as a plain autoencoder; then the codebook is set to the means of clusters of the latents, so that
    no code is dead from the start, and the steps that are left train with it. At last the components that the
    latent is moved along are fitted, where there are to be any.
    """
    vq = build_vq(config.vq, config.image_size).to(device, memory_format=torch.channels_last)
    training = config.vq.training
    free = round(training.steps * FREE_SHARE)
    facts = {"vq": config.vq.model_dump(mode="json"), "side": config.image_size, "clips": frames.clip_ids}

    def loss(rows: np.ndarray, quantised: bool) -> tuple[Tensor, dict[str, float]]:
        pixels = frames.pixels(rows).to(device).contiguous(memory_format=torch.channels_last) * 2 - 1
        with in_bfloat16(training, device):
            latents = vq.encode(pixels).latents
            seen = vq.decode(latents, force_not_quantize=not quantised)
        error = functional.mse_loss(seen.sample.float(), pixels)
        commitment = seen.commit_loss.float().mean()
        return error + commitment, {"error": error.item(), "commitment": commitment.item()}

    for part, steps in (("free", free), ("quantised", training.steps - free)):
        if part == "quantised":
            vq.quantize.embedding.weight.data.copy_(_codebook(vq, frames, config.vq.codes, seed, device))
        schedule = training.model_copy(update={"steps": steps})
        fit(
            vq, lambda rows, step, part=part: loss(rows, part == "quantised"), len(frames), schedule, seed,
            {**facts, "part": part}, folder / part, f"VQ steps, {part}",
        )  # fmt: skip
    if config.vq.components:
        fit_subspace(vq, frames, config.vq.components, seed, device).save(folder)
    save_vq(folder, vq)
    return vq


def save_vq(folder: Path, vq: VQModel) -> None:
    """Write `config.json` and the weights; each file is whole or absent, and the configuration comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".saving.") as temporary:
        vq.save_pretrained(temporary)
        for path in sorted(Path(temporary).iterdir(), key=lambda path: path.name == "config.json"):
            os.replace(path, folder / path.name)


def load_vq(folder: Path, device: torch.device) -> VQModel:
    """Read a VQ model from its folder alone, weights from safetensors only.

    Raises:
        UserError: a file is missing or damaged.
    """
    try:
        vq = VQModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        message = str(error).split("\n")[0]
        raise UserError(f"{folder} cannot be read as a VQ model ({message})") from None
    return vq.to(device).eval().requires_grad_(False)


@torch.no_grad()
def _codebook(vq: VQModel, frames: Frames, codes: int, seed: int, device: torch.device) -> Tensor:
    """Means of clusters of the training frames' latents, [codes, code_dim]."""
    rows = np.random.default_rng(seed).permutation(len(frames))[:_CODEBOOK_FRAMES]
    parts = [frames.pixels(rows[i : i + 32]).to(device) * 2 - 1 for i in range(0, len(rows), 32)]
    latents = torch.cat([vq.encode(part).latents.permute(0, 2, 3, 1).flatten(0, 2) for part in parts])
    if len(latents) < codes:
        raise UserError(
            f"generate.latent.vq.codes {codes} are more than the {len(latents)} latents of all frames"
        )
    clusters = MiniBatchKMeans(codes, n_init=1, batch_size=4096, random_state=seed, max_iter=20)
    return torch.from_numpy(clusters.fit(latents.float().cpu().numpy()).cluster_centers_).to(device)
