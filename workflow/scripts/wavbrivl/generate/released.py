"""A released diffusion model that takes image embeddings, driven by sounds in the place of images.

The teacher must be the model whose image embeddings it was trained on (Stable unCLIP 2.1 and IP-Adapter for
Stable Diffusion 1.5: CLIP ViT-H/14; Kandinsky 2.2: CLIP ViT-bigG/14); only their width can be checked.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    DiffusionPipeline,
    KandinskyV22Pipeline,
    StableDiffusionPipeline,
    StableUnCLIPImg2ImgPipeline,
)
from diffusers.models.embeddings import ImageProjection
from safetensors import SafetensorError

from wavbrivl.config.generation import DiffusionConfig, DiffusionDrawConfig
from wavbrivl.errors import UserError
from wavbrivl.files import read_json
from wavbrivl.generate.conditions import Conditions
from wavbrivl.generate.drawings import Drawings, Trace, drawn_rows
from wavbrivl.generate.guide import Guide
from wavbrivl.generate.mapping import Mapping
from wavbrivl.generate.noise import stream
from wavbrivl.progress import track

PIPELINES: dict[str, type[DiffusionPipeline]] = {
    "StableUnCLIPImg2ImgPipeline": StableUnCLIPImg2ImgPipeline,
    "KandinskyV22Pipeline": KandinskyV22Pipeline,
    "StableDiffusionPipeline": StableDiffusionPipeline,
}
"""Pipelines that can be driven, by the class that their `model_index.json` names."""


class Released:
    """A released pipeline behind the generators' interface; one picture at a time.

    Args:
        pipeline: frozen.
        norm: length that unit vectors are given.
        dim: width of the teacher's space.
        guide: scores what was drawn.
        mappings: by kind of condition.
        config: how it draws; the pipeline's own sampler is kept.

    Raises:
        UserError: the teacher's vectors have another width than the pipeline takes.
    """

    name = "diffusion"

    def __init__(
        self, pipeline: DiffusionPipeline, norm: float, guide: Guide, mappings: dict[str, Mapping],
        config: DiffusionDrawConfig,
    ):  # fmt: skip
        width = embedding_width(pipeline)
        if guide.teacher.dim != width:
            raise UserError(
                f"generate.diffusion.released takes image embeddings of {width} dimensions, "
                f"the teacher's have {guide.teacher.dim}"
            )
        self.pipeline, self.norm, self.guide = pipeline, norm, guide
        self.mappings, self.config = mappings, config
        self.pipeline.set_progress_bar_config(disable=True)
        decoder = pipeline.vae if hasattr(pipeline, "vae") else pipeline.movq
        self.side = pipeline.unet.config.sample_size * 2 ** (len(decoder.config.block_out_channels) - 1)

    def draw(self, conditions: Conditions, seed: int) -> tuple[Drawings, Trace]:
        """See `wavbrivl.generate.generator.Generator`."""
        vectors = self._given(conditions)
        rows = track(range(len(conditions)), "pictures by the released model")
        images = np.stack([self._draw_one(vectors[i], seed, conditions.items[i]) for i in rows])
        heard = conditions.vectors
        scores = None if heard is None else self.guide.scores(images, heard)
        trace = {
            "generator": self.name,
            "pipeline": type(self.pipeline).__name__,
            "kind": conditions.kind,
            "seed": seed,
            "settings": {**self.config.model_dump(mode="json"), "norm": self.norm},
            "items": [
                {
                    "item": conditions.items[i],
                    "source": conditions.sources[i],
                    "variant": conditions.variants[i],
                    "prompt": "",
                    "rounds": [] if scores is None else [{"scores": [round(float(scores[i]), 6)]}],
                }
                for i in range(len(conditions))
            ],
        }
        return Drawings(images, drawn_rows(conditions, seed, scores)), trace

    def _given(self, conditions: Conditions) -> np.ndarray:
        if conditions.kind == "unconditional" or conditions.vectors is None:
            return np.zeros((len(conditions), self.guide.teacher.dim), dtype=np.float32)
        mapping = self.mappings.get(conditions.kind) if self.config.mapping else None
        moved = conditions.vectors if mapping is None else mapping(conditions.vectors)
        return moved.astype(np.float32) * self.norm

    def _draw_one(self, vector: np.ndarray, seed: int, item: str) -> np.ndarray:
        """uint8 [side, side, 3]."""
        unet = self.pipeline.unet
        embeds = torch.from_numpy(vector)[None].to(unet.device, unet.dtype)
        noise = torch.Generator().manual_seed(int(stream(seed, item).integers(2**63)))
        options: dict[str, Any] = {"generator": noise, "output_type": "np"}
        options |= {"num_inference_steps": self.config.steps, "guidance_scale": self.config.guidance}
        options |= {"height": self.side, "width": self.side}
        options |= self._condition(embeds)
        picture = self.pipeline(**options).images[0]
        return (np.asarray(picture, dtype=np.float32) * 255).round().clip(0, 255).astype(np.uint8)

    def _condition(self, embeds: torch.Tensor) -> dict[str, Any]:
        """The options of the pipeline that hold the embedding [1, dim]."""
        if isinstance(self.pipeline, KandinskyV22Pipeline):
            return {"image_embeds": embeds, "negative_image_embeds": torch.zeros_like(embeds)}
        if isinstance(self.pipeline, StableDiffusionPipeline):
            # [without and with it, pictures, dim] where there is guidance.
            pair = [torch.zeros_like(embeds), embeds] if self.config.guidance > 1 else [embeds]
            return {"prompt": "", "ip_adapter_image_embeds": [torch.stack(pair)]}
        return {"prompt": "", "image_embeds": embeds}


def embedding_width(pipeline: DiffusionPipeline) -> int:
    """Dimensions of the image embeddings that the pipeline takes."""
    if isinstance(pipeline, KandinskyV22Pipeline):
        return int(pipeline.unet.config.encoder_hid_dim)
    if isinstance(pipeline, StableDiffusionPipeline):
        return int(_projection(pipeline).image_embeds.in_features)
    return int(pipeline.image_normalizer.config.embedding_dim)


def usual_norm(pipeline: DiffusionPipeline, configured: float | None) -> float:
    """The configured length, or the root mean square one by the pipeline's own mean and deviation.

    Raises:
        UserError: neither is there.
    """
    if configured is not None:
        return configured
    if isinstance(pipeline, KandinskyV22Pipeline | StableDiffusionPipeline):
        raise UserError(
            f"generate.diffusion.released_norm: a {type(pipeline).__name__} does not tell how long image "
            "embeddings are; give their usual length"
        )
    normaliser = pipeline.image_normalizer
    return (normaliser.mean.square() + normaliser.std.square()).sum().sqrt().item()


def load_released(
    config: DiffusionConfig, guide: Guide, mappings: dict[str, Mapping], device: torch.device
) -> Released:
    """Read the pipeline from its folder alone, weights from safetensors only.

    Raises:
        UserError: the folder is missing or damaged, holds another kind of pipeline, or does not go with the
            teacher.
    """
    folder = Path(str(config.released))
    build = _pipeline_class(folder)
    try:
        pipeline = build(folder, local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        message = str(error).split("\n")[0]
        raise UserError(f"generate.diffusion.released: {folder} cannot be read ({message})") from None
    if isinstance(pipeline, StableDiffusionPipeline):
        _adapt(pipeline, config.released_adapter)
    norm = usual_norm(pipeline, config.released_norm)
    return Released(pipeline.to(device), norm, guide, mappings, config.draw)


def _adapt(pipeline: StableDiffusionPipeline, adapter: str | None) -> None:
    """Put an IP-Adapter into a Stable Diffusion, which by itself takes no image embeddings."""
    if adapter is None:
        raise UserError(
            "generate.diffusion.released_adapter: a Stable Diffusion takes image embeddings through an "
            "IP-Adapter only; name the file of its weights"
        )
    path = Path(adapter)
    if path.suffix != ".safetensors":
        raise UserError(f"generate.diffusion.released_adapter: {path} is no safetensors file")
    try:
        pipeline.load_ip_adapter(
            str(path.parent), subfolder="", weight_name=path.name, image_encoder_folder=None,
            local_files_only=True, low_cpu_mem_usage=False,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        message = str(error).split("\n")[0]
        raise UserError(f"generate.diffusion.released_adapter: {path} cannot be read ({message})") from None
    _projection(pipeline)


def _projection(pipeline: StableDiffusionPipeline) -> ImageProjection:
    """What the adapter does with an embedding; other kinds of adapters take a picture's patches."""
    (projection,) = pipeline.unet.encoder_hid_proj.image_projection_layers
    if not isinstance(projection, ImageProjection):
        raise UserError(
            "generate.diffusion.released_adapter: this IP-Adapter takes patches of pictures, not their "
            "embedding; take the plain one"
        )
    return projection


def _pipeline_class(folder: Path) -> Callable[..., DiffusionPipeline]:
    index = folder / "model_index.json"
    if not index.is_file():
        raise UserError(f"generate.diffusion.released: {folder} holds no model_index.json")
    name = read_json(index).get("_class_name")
    if name not in PIPELINES:
        raise UserError(
            f"generate.diffusion.released: {index} names the pipeline '{name}'; "
            f"known are {', '.join(PIPELINES)}"
        )
    return PIPELINES[name].from_pretrained
