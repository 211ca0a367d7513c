"""Embedding frames out of media shards beside the bare forward pass of the tower on tensors in memory.

Both ways take turns in one run, with the same batch and threads. What a job does once (reading the teacher,
its checksum) is left out: it does not grow with the frames.
"""

import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from wavbrivl.compute import set_up
from wavbrivl.config.teacher import TeacherConfig, TextTowerConfig
from wavbrivl.shards.reader import MediaShards
from wavbrivl.shards.writer import ShardWriter
from wavbrivl.teacher.checkpoint import preset
from wavbrivl.teacher.embed import EmbedPlan, embed_clips
from wavbrivl.teacher.model import Teacher
from wavbrivl.teacher.pairs import SOURCE_SIZE
from wavbrivl.teacher.preprocess import normalise, resize_square, to_unit
from wavbrivl.teacher.text import SPECIAL, Tokenizer
from wavbrivl.teacher.towers import Towers
from wavbrivl.workflow.record import machine

FEWEST = 0.9
"""Share of the bare forward's pace that is wanted."""


def embed_benchmark(
    config: TeacherConfig | None = None, images: int = 24, batch_size: int = 8, rounds: int = 3
) -> dict[str, Any]:
    """Measure `embed_vs_forward` with random weights.

    Args:
        config: of the image tower; BAAI's B5 at 380 pixels where absent. On a GPU, `precision` as well.
        images: frames a round; on a GPU ten times as many.
        batch_size: images a forward pass; on a GPU eight times as many.
        rounds: turns of each way; medians count.

    Returns:
        A record of name, value, unit, against, ratio, machine; values are images per second.
    """
    device = set_up(0)
    if device.type == "cuda":
        images, batch_size = 10 * images, 8 * batch_size
    teacher = _teacher(config or preset("baai"), device)
    plan = EmbedPlan(batch_size=batch_size)
    with tempfile.TemporaryDirectory() as folder:
        shards = _shard(Path(folder) / "test-00000.tar", images)
        pixels = _pixels(shards, teacher)

        def ours() -> None:
            embed_clips(shards, teacher, plan)

        def bare() -> None:
            _forward(teacher, pixels, batch_size)

        for way in (ours, bare):
            way()  # the first pass of each allocates
        seconds = [(_seconds(ours, device), _seconds(bare, device)) for _ in range(rounds)]
        shards.close()
    mine, theirs = (images / statistics.median(column) for column in zip(*seconds, strict=True))
    size, tower = teacher.image_size, teacher.config.image.backbone
    return {
        "name": "embed_vs_forward",
        "value": round(mine, 3),
        "unit": f"images per second from shards ({tower} at {size}, batches of {batch_size}, {device.type})",
        "against": {"what": "bare forward of the tower on tensors in memory", "value": round(theirs, 3)},
        "ratio": round(mine / theirs, 3),
        "wanted": FEWEST,
        "machine": machine(),
    }


def _teacher(config: TeacherConfig, device: torch.device) -> Teacher:
    """Random weights; the text tower, which is not measured, as small as it can be."""
    text = TextTowerConfig(hidden_size=16, intermediate_size=16, feedforward=16)
    config = config.model_copy(update={"text": text})
    towers = Towers(config.image, config.text, config.embedding_dim, len(SPECIAL))
    return Teacher(config, towers, Tokenizer(SPECIAL, text.max_length), device)


def _shard(path: Path, images: int) -> MediaShards:
    """Frames of about the size that real ones have."""
    random = np.random.default_rng(0)
    with ShardWriter(path, "test") as writer:
        for number in range(images):
            coarse = random.integers(0, 256, (60, 60, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize((SOURCE_SIZE, SOURCE_SIZE), Image.Resampling.BICUBIC)
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=90)
            name = f"v{number:05d}_0_1000"
            meta = {
                "clip_id": name, "video_id": f"v{number:05d}", "label": "", "caption_en": "",
                "caption_zh": "", "n_samples": 0, "split": "test",
            }  # fmt: skip
            writer.add(meta, {"json": json.dumps(meta).encode(), "360.jpg": buffer.getvalue()})
    return MediaShards([path])


def _pixels(shards: MediaShards, teacher: Teacher) -> torch.Tensor:
    """The same frames as the tower takes them, ready on the device."""
    rows = [to_unit(shards.image(clip)[None], teacher.device) for clip in range(len(shards))]
    size, antialias = teacher.image_size, teacher.config.image.antialias
    return torch.cat([normalise(resize_square(row, size, antialias)) for row in rows])


@torch.no_grad()
def _forward(teacher: Teacher, pixels: torch.Tensor, batch_size: int) -> None:
    for batch in pixels.split(batch_size):
        functional.normalize(teacher.towers.imgencoder(batch).float(), dim=-1)


def _seconds(way: Callable[[], None], device: torch.device) -> float:
    before = time.perf_counter()
    way()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - before
