"""Pictures, texts, shards and small configurations for the teacher's tests."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from wavbrivl.config.models import ImageTowerConfig, TeacherConfig, TeacherTrainingConfig, TextTowerConfig
from wavbrivl.shards.reader import MediaShards
from wavbrivl.shards.writer import ShardWriter, sort_key

SHAPES = {"ball": "皮球", "box": "箱子", "roof": "屋顶"}
TONES = ("深夜里", "阴天里", "正午时")
SIZES = ("很小的", "很大的")

TINY = TeacherConfig(
    embedding_dim=16,
    image=ImageTowerConfig(
        image_size=32, box_grid=2, grid_size=2, width=16, layers=1, heads=2, feedforward=16,
    ),
    text=TextTowerConfig(
        hidden_size=16, bert_layers=1, bert_heads=2, intermediate_size=16, positions=16,
        layers=1, heads=2, feedforward=16, max_length=12,
    ),
    training=TeacherTrainingConfig(steps=6, batch_size=4, queue_size=8, checkpoint_every=2),
)  # fmt: skip


def scene(number: int) -> tuple[np.ndarray, str, str, int, int]:
    """A picture uint8 [360, 360, 3], its label, Chinese label, size level and tone level."""
    random = np.random.default_rng(number)
    label = list(SHAPES)[number % 3]
    size, tone = int(random.integers(2)), int(random.integers(3))
    image = Image.new("RGB", (360, 360), (30 + 100 * tone,) * 3)
    half, x, y = 50 + 70 * size, 180 + random.integers(-20, 20), 180 + random.integers(-20, 20)
    colour = tuple(int(part) for part in random.integers(0, 255, 3))
    draw = ImageDraw.Draw(image)
    if label == "ball":
        draw.ellipse((x - half, y - half, x + half, y + half), fill=colour, outline="white", width=6)
    elif label == "box":
        draw.rectangle((x - half, y - half, x + half, y + half), fill=colour, outline="white", width=6)
    else:
        corners = [(x, y - half), (x + half, y + half), (x - half, y + half)]
        draw.polygon(corners, fill=colour, outline="white", width=6)
    return np.asarray(image), label, SHAPES[label], size, tone


def caption(zh: str, size: int, tone: int) -> str:
    return f"{TONES[tone]}一个{SIZES[size]}{zh}"


def write_shard(path: Path, split: str, numbers: range, frames: int = 1) -> Path:
    """A media shard of these pictures, without sound."""
    with ShardWriter(path, split) as writer:
        for meta, members in sorted(
            map(lambda n: _clip(n, split, frames), numbers), key=lambda c: sort_key(c[0]["clip_id"])
        ):
            writer.add(meta, members)
    return path


def make_shards(
    folder: Path, split: str = "train", count: int = 12, per_shard: int = 6, frames: int = 1
) -> MediaShards:
    starts = range(0, count, per_shard)
    return MediaShards(
        [
            write_shard(folder / f"{split}-{i:05d}.tar", split, range(a, min(a + per_shard, count)), frames)
            for i, a in enumerate(starts)
        ]
    )


def _clip(number: int, split: str, frames: int) -> tuple[dict, dict[str, bytes]]:
    image, label, zh, size, tone = scene(number)
    meta = {
        "clip_id": f"{split}{number:03d}_0_2000", "video_id": f"{split}{number:03d}", "label": label,
        "caption_en": f"a {label}", "caption_zh": caption(zh, size, tone), "n_samples": 0,
        "label_zh": zh, "split": split,
    }  # fmt: skip
    members = {"json": json.dumps(meta).encode()}
    for frame in range(frames):
        name = f"{frame}.360.jpg" if frame else "360.jpg"
        members[name] = _jpeg(np.roll(image, 20 * frame, axis=1))
    return meta, members


def _jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
