"""A run's model and teacher at the smallest size, and files to try them on."""

from pathlib import Path

import numpy as np
import soundfile
import torch
from PIL import Image

from tests.teacher_samples import TINY, caption, scene
from tests.train_corpus import tiny_audio
from wavbrivl.audio.build import build_model
from wavbrivl.audio.processing import WavBriVLProcessor
from wavbrivl.files import write_text
from wavbrivl.teacher.digest import weights_digest
from wavbrivl.teacher.model import save_teacher
from wavbrivl.teacher.text import build_vocabulary
from wavbrivl.teacher.towers import Towers


def write_run(folder: Path, seed: int = 0) -> Path:
    """`teacher/` and `model/` as the pipeline leaves them, of random weights; gives the model's folder."""
    torch.manual_seed(seed)
    words = [
        caption(zh, size, tone) for zh in ("皮球", "箱子", "屋顶") for size in (0, 1) for tone in (0, 1, 2)
    ]
    vocabulary = build_vocabulary(words)
    towers = Towers(TINY.image, TINY.text, TINY.embedding_dim, len(vocabulary))
    save_teacher(folder / "teacher", TINY, towers.state_dict(), vocabulary)
    model = build_model(tiny_audio(window_seconds=0.5), TINY.embedding_dim)
    model.config.teacher = {
        "kind": "brivl", "language": "zh", "dim": TINY.embedding_dim,
        "weights_sha256": weights_digest(folder / "teacher"),
    }  # fmt: skip
    model.save_pretrained(folder / "model")
    WavBriVLProcessor.for_config(model.config).save_pretrained(folder / "model")
    write_text(folder / "model" / "README.md", "# A model of random weights\n")
    return folder / "model"


def tone(seconds: float, rate: int, pitch: float = 440.0, channels: int = 1) -> np.ndarray:
    """float64 [samples, channels] with a little seeded noise."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(int(pitch)).normal(0, 0.01, len(time))
    return np.repeat((0.4 * np.sin(2 * np.pi * pitch * time) + noise)[:, None], channels, axis=1)


def write_sounds(folder: Path, count: int = 3) -> list[Path]:
    """Tones of different pitch, length and rate."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"tone{number}.wav" for number in range(count)]
    for number, path in enumerate(paths):
        rate = (16_000, 44_100, 48_000)[number % 3]
        soundfile.write(path, tone(0.4 + 0.3 * number, rate, 300 * 2**number), rate)
    return paths


def write_images(folder: Path, count: int = 3) -> list[Path]:
    """The teacher's test scenes as JPEG files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"scene{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        Image.fromarray(scene(number)[0]).save(path, quality=90)
    return paths
