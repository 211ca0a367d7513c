"""A small corpus in memory with the interface of media shards, for tests of training."""

import csv
import io
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

from wavbrivl.config.models import AudioEncoderConfig, TrainingConfig, WavLMConfig
from wavbrivl.shards.writer import ShardWriter, sort_key

CLASSES = 4
DIM = 8


@dataclass(frozen=True)
class Clip:
    clip_id: str
    video_id: str
    label: str
    n_samples: int


class FakeShards:
    """Tones whose pitch is the class, with 16 bit samples as FLAC would give them."""

    def __init__(self, split: str, count: int, samples: int = 2400) -> None:
        random = np.random.default_rng([len(split), count])
        self.waves = [_tone(i % CLASSES, samples, random) for i in range(count)]
        self.clips = [
            Clip(f"{split}{i}_0_150", f"{split}{i // 2}", str(i % CLASSES), samples) for i in range(count)
        ]

    def __len__(self) -> int:
        return len(self.clips)

    def audio(self, i: int, start: int = 0, length: int | None = None) -> np.ndarray:
        stop = None if length is None else start + length
        return self.waves[i][start:stop].astype(np.float32) / np.float32(32768)


def _tone(label: int, samples: int, random: np.random.Generator) -> np.ndarray:
    hertz = 300 * 2 ** (label + random.uniform(-0.2, 0.2))
    wave = np.sin(2 * np.pi * hertz * np.arange(samples) / 16000 + random.uniform(0, 6))
    return np.rint(8000 * wave + 800 * random.standard_normal(samples)).astype(np.int16)


def write_embeddings(folder: Path, split: str, shards: FakeShards, frames: int = 2) -> tuple[Path, Path]:
    """Image embeddings that know the class of each clip: matrix and table as `embed_shards` writes them."""
    random = np.random.default_rng([3, len(split)])
    centres = np.random.default_rng(5).normal(size=(CLASSES, DIM))
    labels = [int(clip.label) for clip in shards.clips]
    matrix = centres[labels][:, None] + 0.3 * random.normal(size=(len(labels), frames, DIM))
    matrix /= np.linalg.norm(matrix, axis=2, keepdims=True)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{split}.npy", matrix.astype(np.float32))
    with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["clip_id", "video_id", "label"])
        writer.writerows([c.clip_id, c.video_id, c.label] for c in shards.clips)
    return folder / f"{split}.npy", folder / f"{split}.csv"


def write_shard(folder: Path, split: str, shards: FakeShards) -> Path:
    """The same clips as a media shard on disk, with nothing but their sound."""
    path = folder / f"{split}-00000.tar"
    with ShardWriter(path, split) as writer:
        for i in sorted(range(len(shards)), key=lambda i: sort_key(shards.clips[i].clip_id)):
            sound = io.BytesIO()
            soundfile.write(sound, shards.waves[i], 16000, format="FLAC", subtype="PCM_16")
            clip = {**asdict(shards.clips[i]), "caption_en": "", "caption_zh": ""}
            writer.add(clip, {"flac": sound.getvalue()})
    return path


def write_all(folder: Path, train: FakeShards, validation: FakeShards) -> dict[str, tuple[Path, Path]]:
    """The embeddings of both splits; what is there already is kept, for processes that run together."""
    splits = {"train": train, "validation": validation}
    if not (folder / "validation.csv").exists():
        for split, shards in splits.items():
            write_embeddings(folder, split, shards)
    return {split: (folder / f"{split}.npy", folder / f"{split}.csv") for split in splits}


def tiny_audio(**changes) -> AudioEncoderConfig:
    """The smallest encoder: two layers of width 16, windows of 0.1 s."""
    wavlm = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 16, "conv_channels": 4}
    wavlm |= {"position_kernel": 8, **changes.pop("wavlm", {})}
    values = {"embedding_dim": 12, "projection_hidden": 10, "window_seconds": 0.1, **changes}
    return AudioEncoderConfig(wavlm=WavLMConfig(**wavlm), **values)


def tiny_training(**changes) -> TrainingConfig:
    """A dozen steps of four clips against a queue of eight."""
    values = {"steps": 12, "batch_size": 4, "queue_size": 8, "validate_every": 5, "log_every": 2}
    return TrainingConfig(**{**values, "crop_seconds": None, **changes})
