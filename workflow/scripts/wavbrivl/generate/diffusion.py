"""Audio-driven diffusion: trained on frames under the teacher's image embedding, drawn from g(audio)."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wavbrivl.config.generation import DiffusionConfig, DiffusionDrawConfig
from wavbrivl.generate.conditions import Conditions
from wavbrivl.generate.drawings import Drawings, Trace, drawn_rows
from wavbrivl.generate.frames import Frames
from wavbrivl.generate.guide import Guide, to_uint8
from wavbrivl.generate.mapping import Mapping
from wavbrivl.generate.noise import normal
from wavbrivl.generate.pipeline import (
    EmbeddingPipeline,
    Sketch,
    build_scheduler,
    build_sketch,
    build_unet,
    denoise,
    fold,
    load_pipeline,
    sampler_of,
    save_pipeline,
)
from wavbrivl.generate.training import disturbed, fit, in_bfloat16
from wavbrivl.progress import track


def train_diffusion(
    frames: Frames, config: DiffusionConfig, folder: Path, seed: int, device: torch.device
) -> EmbeddingPipeline:
    """Train the sketch, then the UNet beside it, and save the pipeline with the averages of their weights."""
    sketch = _train_sketch(frames, config, folder / "sketch", seed, device)
    unet = build_unet(config, frames.dim).to(device, memory_format=torch.channels_last)
    scheduler = build_scheduler(config.noise_steps)
    signal = scheduler.alphas_cumprod.sqrt().to(device)
    noise_level = (1 - scheduler.alphas_cumprod).sqrt().to(device)

    def loss(rows: np.ndarray, step: int) -> tuple[Tensor, dict[str, float]]:
        clean = fold(frames.pixels(rows).to(device), config.unet.patch)
        clean = clean.contiguous(memory_format=torch.channels_last)
        condition = _conditions(frames, rows, config, device)
        times = torch.randint(config.noise_steps, (len(rows),), device=device)
        noisy = _at(signal, times) * clean + _at(noise_level, times) * torch.randn_like(clean)
        with in_bfloat16(config.training, device):
            seen = denoise(unet, sketch(condition), noisy, times, condition)
        return functional.mse_loss(seen.float(), clean), {}

    facts = _facts(frames, config)
    fit(unet, loss, len(frames), config.training, seed, facts, folder, "diffusion steps", config.ema)
    pipeline = EmbeddingPipeline(unet, sketch, scheduler)
    save_pipeline(folder, pipeline)
    return pipeline


def _train_sketch(
    frames: Frames, config: DiffusionConfig, folder: Path, seed: int, device: torch.device
) -> Sketch:
    """The mean picture for each embedding, by squared error; frozen afterwards."""
    sketch = build_sketch(config, frames.dim).to(device)

    def loss(rows: np.ndarray, step: int) -> tuple[Tensor, dict[str, float]]:
        clean = fold(frames.pixels(rows).to(device), config.unet.patch)
        return functional.mse_loss(sketch(_conditions(frames, rows, config, device)), clean), {}

    fit(sketch, loss, len(frames), config.sketch, seed, _facts(frames, config), folder, "sketch steps")
    return sketch.requires_grad_(False)


def _conditions(frames: Frames, rows: np.ndarray, config: DiffusionConfig, device: torch.device) -> Tensor:
    """The frames' embeddings with noise, some of them dropped, [B, dim]."""
    vectors = disturbed(frames.vectors(rows).to(device), config.condition_noise)
    return vectors * (torch.rand(len(rows), 1, device=device) >= config.condition_dropout)


def _facts(frames: Frames, config: DiffusionConfig) -> dict[str, Any]:
    chosen = config.model_dump(mode="json", exclude={"draw", "released", "released_norm"})
    return {"diffusion": chosen, "clips": frames.clip_ids}


class Diffusion:
    """The pipeline's own diffusion model.

    Args:
        pipeline: trained.
        guide: scores what was drawn, and chooses where there are several candidates.
        mappings: by kind of condition.
        config: how it draws.
    """

    name = "diffusion"

    def __init__(
        self, pipeline: EmbeddingPipeline, guide: Guide, mappings: dict[str, Mapping],
        config: DiffusionDrawConfig,
    ):  # fmt: skip
        self.guide, self.mappings, self.config = guide, mappings, config
        self.pipeline = pipeline
        self.pipeline.scheduler = sampler_of(pipeline.scheduler, config.sampler)
        self.side = pipeline.side
        self.device = next(pipeline.unet.parameters()).device

    def draw(self, conditions: Conditions, seed: int) -> tuple[Drawings, Trace]:
        """See `wavbrivl.generate.generator.Generator`."""
        size = max(1, self.config.batch_size // self.config.candidates)
        starts = track(range(0, len(conditions), size), "groups of conditions drawn by diffusion")
        groups = [conditions.take(range(start, min(start + size, len(conditions)))) for start in starts]
        drawn = [self._draw_group(group, seed) for group in groups]
        images, kept, scores = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
        known = kept if conditions.vectors is not None else None
        return Drawings(images, drawn_rows(conditions, seed, known)), self._trace(conditions, seed, scores)

    def _draw_group(self, conditions: Conditions, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pictures uint8 [n, side, side, 3], their scores [n], those of all candidates [n, candidates]."""
        candidates, count = self.config.candidates, len(conditions)
        names = [f"{item}/{i}" for item in conditions.items for i in range(candidates)]
        noise = normal(seed, names, *self.pipeline.noise_shape).to(self.device)
        given = self._given(conditions).repeat_interleave(candidates, dim=0)
        pixels = self.pipeline(given, noise, self.config.steps, self.config.guidance)
        images = to_uint8(pixels)
        if conditions.vectors is None:
            scores = np.zeros((count, candidates))
        else:
            vectors = np.repeat(conditions.vectors, candidates, axis=0)
            scores = self.guide.scores(images, vectors).reshape(count, candidates)
        # What is drawn without hearing anything is not chosen by what was to be heard either.
        chosen = scores.argmax(axis=1) if conditions.kind != "unconditional" else np.zeros(count, dtype=int)
        rows = np.arange(count)
        return images[rows * candidates + chosen], scores[rows, chosen], scores

    def _given(self, conditions: Conditions) -> Tensor:
        """Unit vectors, mapped to where images lie; zeros for an unconditional drawing."""
        if conditions.kind == "unconditional" or conditions.vectors is None:
            dim = self.pipeline.unet.config.projection_class_embeddings_input_dim
            return torch.zeros(len(conditions), dim, device=self.device)
        mapping = self.mappings.get(conditions.kind) if self.config.mapping else None
        moved = conditions.vectors if mapping is None else mapping(conditions.vectors)
        return torch.from_numpy(moved.astype(np.float32)).to(self.device)

    def _trace(self, conditions: Conditions, seed: int, scores: np.ndarray) -> Trace:
        return {
            "generator": self.name,
            "kind": conditions.kind,
            "seed": seed,
            "settings": self.config.model_dump(mode="json"),
            "items": [
                {
                    "item": conditions.items[i],
                    "source": conditions.sources[i],
                    "variant": conditions.variants[i],
                    "prompt": "",
                    "rounds": [{"scores": [round(float(value), 6) for value in scores[i]]}],
                }
                for i in range(len(conditions))
            ],
        }


def load_diffusion(
    folder: Path,
    guide: Guide,
    mappings: dict[str, Mapping],
    config: DiffusionDrawConfig,
    device: torch.device,
) -> Diffusion:
    """Read the trained pipeline.

    Raises:
        UserError: it is missing or damaged.
    """
    return Diffusion(load_pipeline(folder, device), guide, mappings, config)


def _at(values: Tensor, times: Tensor) -> Tensor:
    return values[times].view(-1, 1, 1, 1)
