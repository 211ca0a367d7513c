"""Training of the audio encoder beside the same model fed from memory, and beside training without the cache.

The model is the paper's with random weights: WavLM base, the four attention layers, ten second crops. The
clips are made up, as MP4 and, through the pipeline's own extraction, as a media shard. Validation and
checkpoints are left out on all sides.
"""

import json
import statistics
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import torch
from torch.nn import functional

from wavbrivl.audio.build import build_model
from wavbrivl.audio.processing import SAMPLING_RATE
from wavbrivl.bench.memory import peak_mib, reset_peak
from wavbrivl.compute import set_up
from wavbrivl.config import Config, load_config
from wavbrivl.corpus.clips import Clip, clip_id
from wavbrivl.corpus.decode import Clip as Media
from wavbrivl.corpus.extract import extract
from wavbrivl.corpus.request import Request
from wavbrivl.shards.reader import MediaShards
from wavbrivl.shards.writer import ShardWriter
from wavbrivl.teacher.preprocess import normalise, resize_square, to_unit
from wavbrivl.teacher.towers import ImageTower
from wavbrivl.train.augment import Augmentation
from wavbrivl.train.data import Batch, ImageEmbeddings, TrainingSet
from wavbrivl.train.group import Group
from wavbrivl.train.loop import Trainer
from wavbrivl.train.order import Share, share_of_step
from wavbrivl.workflow.record import machine

SEED = 7
CPU = {"batch_size": 2, "steps": 4}
GPU = {"batch_size": 32, "steps": 24}
WARM_UP = 1
"""Steps that are not counted: the first one allocates."""


@dataclass(frozen=True)
class Material:
    """Made-up clips: as MP4 files, as a media shard, and random vectors in the teacher's place."""

    files: list[bytes]
    shards: MediaShards
    images: ImageEmbeddings


@dataclass(frozen=True)
class Measured:
    """Clips a second over whole steps, waiting for data included, and the most memory that was held."""

    rate: float
    peak_mib: int


class PlainTrainer(Trainer):
    """A training that neither validates nor saves."""

    def _validate_and_save(self, *_: Any) -> None:
        pass


class FromMemory:
    """The batches of a training set, made beforehand."""

    def __init__(self, data: TrainingSet, steps: int, batch_size: int) -> None:
        self.size, self.batch_size = len(data), batch_size
        self.batches = [data.batch(share_of_step(len(data), SEED, s, batch_size)) for s in range(steps)]

    def __len__(self) -> int:
        return self.size

    def batch(self, share: Share) -> Batch:
        """The batch of the step that the share belongs to."""
        return self.batches[share.positions[0] // self.batch_size]


class Live:
    """What a loop does that prepares nothing: it decodes MP4 files and asks the teacher at every step."""

    def __init__(self, files: list[bytes], tower: ImageTower, seconds: float, device: torch.device) -> None:
        self.files, self.seconds, self.device = files, seconds, device
        self.tower = tower.to(device).eval().requires_grad_(False)

    def __len__(self) -> int:
        return len(self.files)

    def batch(self, share: Share) -> Batch:
        """Decode sound and one frame of each clip, and embed the frames."""
        media = [Media(self.files[i]) for i in share.indices]
        sounds = [file.sound_between(0, self.seconds, tolerance=1) for file in media]
        frames = np.stack([file.frame(len(file.frame_times) // 2) for file in media])
        return Batch(np.stack(sounds), self._embed(frames), share.indices, share.indices)

    @torch.no_grad()
    def _embed(self, frames: np.ndarray) -> np.ndarray:
        size, antialias = self.tower.config.image_size, self.tower.config.antialias
        pixels = normalise(resize_square(to_unit(frames, self.device), size, antialias))
        return functional.normalize(self.tower(pixels).float(), dim=-1).cpu().numpy()


def train_vs_memory(config: Config | None = None) -> dict[str, Any]:
    """Samples a second of the real loop, which reads its shard, beside those of one fed from memory.

    Returns:
        A record of name, value, unit, against, ratio (at least 0.9 is wanted), machine, and peak memory.
    """
    config, device = _prepared(config)
    with tempfile.TemporaryDirectory() as name:
        material = make_material(Path(name), config, clips=4 * config.training.batch_size)
        data = _training_set(material, config)
        real = _measure(data, config, device)
        memory = _measure(FromMemory(data, config.training.steps, config.training.batch_size), config, device)
    return _record("train_vs_memory", real, "the same model on batches in memory", memory, config, device)


def train_cached_vs_live(config: Config | None = None) -> dict[str, Any]:
    """Samples a second of the real loop beside decoding MP4 and running the teacher at every step.

    Returns:
        As `train_vs_memory`; the ratio is how many times as fast the cache makes training.
    """
    config, device = _prepared(config)
    with tempfile.TemporaryDirectory() as name:
        material = make_material(Path(name), config, clips=4 * config.training.batch_size)
        cached = _measure(_training_set(material, config), config, device)
        tower = ImageTower(config.teacher.image, config.teacher.embedding_dim)
        live = Live(material.files, tower, config.corpus.clip_seconds, device)
        beside = _measure(live, config, device)
    what = f"teacher ({config.teacher.image.backbone}) and MP4 decoding at every step"
    return _record("train_cached_vs_live", cached, what, beside, config, device)


def make_material(folder: Path, config: Config, clips: int) -> Material:
    """Encode clips, extract them as the pipeline does, and draw a vector for each."""
    seconds = config.corpus.clip_seconds
    path = folder / "train-00000.tar"
    files = []
    with ShardWriter(path, "train") as writer:
        for number in range(clips):
            video = f"clip{number:03d}"
            files.append(_encode(folder / f"{video}.mp4", seconds, number))
            name = clip_id(video, 0, round(seconds * 1000))
            clip = Clip(name, video, 0, round(seconds * 1000), "made up", "train")
            request = Request(clip, 0, 1, "crop", config.media.jpeg_quality, 1.0, SEED)
            members = extract(files[-1], request).members
            samples = round(seconds * SAMPLING_RATE)
            writer.add({**asdict(clip), "n_samples": samples}, members)
    shards = MediaShards([path])
    vectors = np.random.default_rng(SEED).normal(size=(clips, 1, config.teacher.embedding_dim))
    np.save(folder / "train.npy", vectors.astype(np.float32))
    rows = "".join(f"{clip.clip_id}\n" for clip in shards.clips)
    (folder / "train.csv").write_text(f"clip_id\n{rows}", encoding="utf-8")
    return Material(files, shards, ImageEmbeddings(folder / "train.npy", folder / "train.csv", shards.clips))


def _prepared(config: Config | None) -> tuple[Config, torch.device]:
    """The paper's configuration at the size that this machine bears, on its GPU where there is one."""
    device = set_up(SEED)
    if config is None:
        paper = load_config(Path("config/config.yaml"), Path("config/paper.yaml"))
        size = GPU if device.type == "cuda" else CPU
        size = {**size, "queue_size": 100 * size["batch_size"], "log_every": 1, "cache_mib": 0}
        audio = paper.audio_encoder
        wavlm = audio.wavlm.model_copy(update={"pretrained": None})
        config = paper.model_copy(
            update={
                "training": paper.training.model_copy(update=size),
                "audio_encoder": audio.model_copy(update={"wavlm": wavlm}),
            }
        )
    return config, device


def _training_set(material: Material, config: Config) -> TrainingSet:
    window = round((config.training.crop_seconds or config.audio_encoder.window_seconds) * SAMPLING_RATE)
    return TrainingSet(material.shards, material.images, Augmentation(window), SEED)


def _measure(data: Any, config: Config, device: torch.device) -> Measured:
    reset_peak(device)
    torch.manual_seed(SEED)
    model = build_model(config.audio_encoder, config.teacher.embedding_dim)
    with tempfile.TemporaryDirectory() as name:
        trainer = PlainTrainer(model, config.training, Path(name), SEED, device, "bench", Group())
        trainer.fit(data, None, None)
    rows = [json.loads(row) for row in trainer.journal.rows]
    # The middle one: another program that takes the processor for a moment is not what is measured.
    seconds = statistics.median(row["step_seconds"] for row in rows[WARM_UP:])
    rate = config.training.batch_size / seconds
    return Measured(rate, peak_mib(device))


def _record(
    name: str, ours: Measured, what: str, theirs: Measured, config: Config, device: torch.device
) -> dict[str, Any]:
    wavlm, seconds = config.audio_encoder.wavlm, config.corpus.clip_seconds
    size = f"WavLM of {wavlm.layers} layers of width {wavlm.hidden_size}, crops of {seconds:g} s"
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return {
        "name": name,
        "value": round(ours.rate, 3),
        "unit": f"clips per second ({size}, batch {config.training.batch_size}, {where})",
        "against": {"what": what, "value": round(theirs.rate, 3)},
        "ratio": round(ours.rate / theirs.rate, 2),
        "machine": machine(),
        "peak_mib": {"value": ours.peak_mib, "against": theirs.peak_mib},
    }


def _encode(path: Path, seconds: float, number: int) -> bytes:
    """An H.264/AAC file of 640x360 at 25 frames a second, of moving patterns and coloured noise."""
    color = ("white", "pink", "brown")[number % 3]
    sound = f"anoisesrc=color={color}:amplitude=0.3:seed={number}:r=44100:d={seconds}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y"]
    command += ["-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=25:duration={seconds}"]
    command += ["-f", "lavfi", "-i", sound]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"]
    subprocess.run([*command, str(path)], check=True, timeout=120)
    return path.read_bytes()
