"""A small corpus of pictures, tiny networks and an encoder that hears pictures, for tests of generation."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from PIL import Image

from tests.teacher_samples import TINY, caption, scene
from wavbrivl.config.generation import (
    DalleConfig,
    DalleDrawConfig,
    DiffusionConfig,
    DiffusionDrawConfig,
    DvaeConfig,
    LatentConfig,
    LatentDrawConfig,
    StepsConfig,
    TransformerConfig,
    UnetConfig,
    VqConfig,
)
from wavbrivl.evaluate.encoders import Embedded
from wavbrivl.generate.frames import Frames
from wavbrivl.shards.reader import MediaShards
from wavbrivl.shards.writer import ShardWriter, sort_key
from wavbrivl.teacher.embed import EmbedPlan, embed_clips
from wavbrivl.teacher.join import write_rows
from wavbrivl.teacher.model import Teacher
from wavbrivl.teacher.text import Tokenizer, build_vocabulary
from wavbrivl.teacher.towers import Towers

SIDE = 16
STEPS = StepsConfig(steps=6, batch_size=4, learning_rate=3e-3, bfloat16=False, checkpoint_every=2)
DALLE = DalleConfig(
    image_size=SIDE,
    dvae=DvaeConfig(codes=12, downsamples=2, hidden=8, code_dim=8, training=STEPS),
    transformer=TransformerConfig(width=16, layers=2, heads=2, text_length=4, training=STEPS),
    draw=DalleDrawConfig(candidates=3, rounds=3, priming=0.5),
)
DIFFUSION = DiffusionConfig(
    image_size=SIDE,
    unet=UnetConfig(patch=2, channels=[8, 16], groups=4),
    noise_steps=50,
    sketch=STEPS,
    training=STEPS,
    draw=DiffusionDrawConfig(steps=4),
)
LATENT = LatentConfig(
    image_size=SIDE,
    vq=VqConfig(codes=8, code_dim=4, channels=[8, 8], groups=4, components=3, training=STEPS),
    draw=LatentDrawConfig(steps=10, cutouts=2),
)


def make_teacher(seed: int = 3) -> Teacher:
    """Random towers of 16 dimensions."""
    torch.manual_seed(seed)
    vocabulary = build_vocabulary(["一个皮球箱子屋顶"])
    towers = Towers(TINY.image, TINY.text, TINY.embedding_dim, len(vocabulary))
    return Teacher(TINY, towers, Tokenizer(vocabulary, TINY.text.max_length), "cpu")


def make_media(folder: Path, split: str, count: int) -> MediaShards:
    """A media shard with sound and both stored sizes."""
    path = folder / f"{split}-00000.tar"
    clips = sorted((_clip(n, split) for n in range(count)), key=lambda clip: sort_key(clip[0]["clip_id"]))
    with ShardWriter(path, split) as writer:
        for meta, members in clips:
            writer.add(meta, members)
    return MediaShards([path])


def embed(folder: Path, split: str, shards: MediaShards, teacher: Teacher) -> tuple[Path, Path]:
    """Matrix and table of the split."""
    matrix, rows = folder / f"{split}.npy", folder / f"{split}.csv"
    np.save(matrix, embed_clips(shards, teacher, EmbedPlan(batch_size=8)))
    write_rows(shards, rows)
    return matrix, rows


def make_frames(folder: Path, teacher: Teacher, count: int = 12, side: int = SIDE) -> Frames:
    """Training frames."""
    shards = make_media(folder, "train", count)
    return Frames(shards, *embed(folder, "train", shards, teacher), side, "zh", 1000)


@dataclass
class Hearing:
    """An encoder whose projection is a fixed function of the sound's loudness; it notes what it heard."""

    dim: int = 16
    name: str = "wavbrivl"

    def __post_init__(self) -> None:
        self.loudness: list[float] = []

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int) -> Embedded:
        levels = [float(np.abs(wave).mean()) for wave in waveforms]
        self.loudness += levels
        rows = [np.random.default_rng(round(level * 1e6)).normal(size=self.dim) for level in levels]
        unit = np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)
        return Embedded(unit, unit)


def vectors(count: int, dim: int = 16, seed: int = 0) -> np.ndarray:
    """Unit vectors, float32 [count, dim]."""
    rows = np.random.default_rng(seed).normal(size=(count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _clip(number: int, split: str) -> tuple[dict, dict[str, bytes]]:
    image, label, zh, size, tone = scene(number)
    meta = {
        "clip_id": f"{split}{number:03d}_0_500", "video_id": f"{split}{number:03d}", "label": label,
        "caption_en": f"a {label}", "caption_zh": caption(zh, size, tone), "n_samples": 800,
        "label_zh": zh, "split": split,
    }  # fmt: skip
    picture = Image.fromarray(image)
    return meta, {
        "json": json.dumps(meta).encode(),
        "360.jpg": _encoded(picture, "JPEG"),
        "64.png": _encoded(picture.resize((64, 64), Image.Resampling.BOX), "PNG"),
        "flac": _sound(number),
    }


def _encoded(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def _sound(number: int) -> bytes:
    buffer = io.BytesIO()
    wave = (0.1 + 0.02 * number) * np.sin(np.arange(800) * 0.2)
    soundfile.write(buffer, wave, 16000, format="FLAC")
    return buffer.getvalue()
