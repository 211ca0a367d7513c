"""How fast pictures are drawn: with the cache and without, by sampler, and scored beside the bare tower.

The networks have random weights: speed does not depend on what they learnt.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from wavbrivl.compute import set_up
from wavbrivl.config.generation import GenerateConfig
from wavbrivl.config.models import TeacherConfig
from wavbrivl.generate.conditions import plain_conditions
from wavbrivl.generate.dalle import Dalle
from wavbrivl.generate.dvae import Dvae
from wavbrivl.generate.guide import Guide
from wavbrivl.generate.noise import normal
from wavbrivl.generate.pipeline import (
    EmbeddingPipeline,
    build_scheduler,
    build_sketch,
    build_unet,
    sampler_of,
)
from wavbrivl.generate.transformer import Sampling, Start, Transformer
from wavbrivl.teacher.model import Teacher
from wavbrivl.teacher.text import SPECIAL, Tokenizer
from wavbrivl.teacher.towers import Towers
from wavbrivl.workflow.record import machine

REPEATS = 3
SEQUENCES, PICTURES, CANDIDATES = 32, 16, 64


def dalle_kv_cache(config: GenerateConfig, teacher: TeacherConfig, seed: int) -> dict[str, Any]:
    """Image tokens a second with keys and values kept, beside reading the whole sequence for each."""
    device = set_up(seed)
    network = _transformer(config, teacher, device)
    vectors = torch.randn(SEQUENCES, teacher.embedding_dim, device=device)
    prefix = torch.ones(SEQUENCES, dtype=torch.bool, device=device)
    start = Start(vectors, prefix, network.empty_text.repeat(SEQUENCES, 1).to(device))
    uniform = torch.rand(SEQUENCES, network.image_length, device=device)
    tokens = SEQUENCES * network.image_length
    with_cache = tokens / _seconds(lambda: network.draw(start, uniform, Sampling()))
    without = tokens / _seconds(lambda: network.draw(start, uniform, Sampling(), use_cache=False))
    sequence = network.start_length + network.image_length
    return _record(
        "dalle_kv_cache", with_cache, f"image tokens a second, {SEQUENCES} sequences of {sequence}",
        "the same without the cache", without,
    )  # fmt: skip


def diffusion_samplers(config: GenerateConfig, teacher: TeacherConfig, seed: int) -> dict[str, Any]:
    """Pictures a second by DPM-Solver++ beside DDIM, each at as many steps, with guidance."""
    device = set_up(seed)
    chosen = config.diffusion
    unet = build_unet(chosen, teacher.embedding_dim).to(device, memory_format=torch.channels_last).eval()
    sketch = build_sketch(chosen, teacher.embedding_dim).to(device).eval()
    pipeline = EmbeddingPipeline(unet, sketch, build_scheduler(chosen.noise_steps))
    condition = torch.randn(PICTURES, teacher.embedding_dim, device=device)
    noise = normal(seed, [str(i) for i in range(PICTURES)], *pipeline.noise_shape).to(device)
    speeds = {}
    for name in ("dpmsolver++", "ddim"):
        pipeline.scheduler = sampler_of(pipeline.scheduler, name)
        speeds[name] = PICTURES / _seconds(
            lambda: pipeline(condition, noise, chosen.draw.steps, chosen.draw.guidance)
        )
    what = f"pictures of {pipeline.side} pixels a second by DPM-Solver++, {chosen.draw.steps} steps, guided"
    return _record("diffusion_samplers", speeds["dpmsolver++"], what, "DDIM", speeds["ddim"])


def candidates_scored(config: GenerateConfig, teacher: TeacherConfig, seed: int) -> dict[str, Any]:
    """Candidates a second that the guide scores, beside the bare image tower on tensors that are ready.

    `drawn` is how many DALL·E draws, decodes and scores in a second.
    """
    device = set_up(seed)
    frozen = _teacher(teacher, device)
    dvae = Dvae(config.dalle.dvae).to(device).eval()
    draw = config.dalle.draw.model_copy(update={"rounds": 1, "candidates": CANDIDATES})
    network = _transformer(config, teacher, device)
    dalle = Dalle(dvae, network, frozen.tokenizer, Guide(frozen), {}, draw)
    vector = np.ones((1, teacher.embedding_dim), dtype=np.float32) / teacher.embedding_dim**0.5
    conditions = plain_conditions("audio", ["item"], ["label"], vector)
    images = np.zeros((CANDIDATES, dalle.side, dalle.side, 3), dtype=np.uint8)
    pixels = torch.zeros(CANDIDATES, 3, frozen.image_size, frozen.image_size, device=device)
    with torch.no_grad():
        scored = CANDIDATES / _seconds(lambda: dalle.guide.scores(images, vector))
        tower = CANDIDATES / _seconds(lambda: frozen.towers.imgencoder(pixels))
        drawn = CANDIDATES / _seconds(lambda: dalle.draw(conditions, seed))
    what = f"candidates of {dalle.side} pixels scored a second"
    record = _record("candidates_scored", scored, what, "the image tower alone", tower)
    return record | {"drawn": round(drawn, 2)}


def _transformer(config: GenerateConfig, teacher: TeacherConfig, device: torch.device) -> Transformer:
    dalle = config.dalle
    grid = dalle.image_size // 2**dalle.dvae.downsamples
    sizes = {"dim": teacher.embedding_dim, "vocabulary": len(SPECIAL) + 100, "codes": dalle.dvae.codes}
    return Transformer(dalle.transformer, **sizes, grid=grid).to(device).eval()


def _teacher(config: TeacherConfig, device: torch.device) -> Teacher:
    vocabulary = [*SPECIAL, *(str(i) for i in range(100))]
    towers = Towers(config.image, config.text, config.embedding_dim, len(vocabulary))
    return Teacher(config, towers, Tokenizer(vocabulary, config.text.max_length), device)


def _seconds(work: Callable[[], Any]) -> float:
    """Median of a few runs, after one that is not counted."""
    work()
    found = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        found.append(time.perf_counter() - begun)
    return sorted(found)[REPEATS // 2]


def _record(name: str, value: float, unit: str, against: str, other: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "against": {"what": against, "value": round(other, 2)},
        "ratio": round(value / other, 2),
        "machine": machine(),
    }
