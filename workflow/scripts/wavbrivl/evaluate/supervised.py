"""The baseline without any pre-training: the encoder's architecture, trained on the task from random weights.

It takes the recipe of the alignment training (crops, noise, gain, optimiser, schedule) and the head
of the probe; there is no search, and whatever is held out of its training is its test.
"""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Protocol

import numpy as np
import torch
from torch import nn

from wavbrivl.audio.configuration import WavBriVLConfig
from wavbrivl.audio.embedding import embed_waveforms
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.audio.processing import SAMPLING_RATE
from wavbrivl.config.evaluation import ProbeConfig, SupervisedConfig
from wavbrivl.config.models import TrainingConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.probe import make_head
from wavbrivl.progress import track
from wavbrivl.train.augment import Augmentation, apply, draw
from wavbrivl.train.data import SoundCache, prefetch
from wavbrivl.train.optimizer import make_optimizer, set_rate
from wavbrivl.train.order import share_of_step


class Sounds(Protocol):
    """Sounds by number, as media shards have them: `clips[i].n_samples` and their samples at 16 kHz."""

    clips: Sequence

    def audio(self, i: int, start: int = 0, length: int | None = None) -> np.ndarray: ...


class HeldSounds:
    """Sounds in memory, as 16 bit integers: a benchmark of nine hours is a gigabyte."""

    def __init__(self) -> None:
        self.clips: list[SimpleNamespace] = []
        self._held: list[np.ndarray] = []

    def add(self, waveform: np.ndarray) -> None:
        """Keep one more sound, float32 in [-1, 1]."""
        self._held.append(np.clip(np.rint(waveform * 32767), -32768, 32767).astype(np.int16))
        self.clips.append(SimpleNamespace(n_samples=len(waveform)))

    def audio(self, i: int, start: int = 0, length: int | None = None) -> np.ndarray:
        """float32 [samples] from `start` on, `length` of them or as many as there are."""
        end = None if length is None else start + length
        return self._held[i][start:end].astype(np.float32) / np.float32(32767)


class Network(nn.Module):
    """The encoder up to `a` and the head on it."""

    def __init__(self, config: WavBriVLConfig, classes: int, probe: ProbeConfig) -> None:
        super().__init__()
        self.encoder = WavBriVLModel(config)
        for projection in (self.encoder.heads.image_projection, self.encoder.heads.audio_projection):
            projection.requires_grad_(False)  # they lead into the teacher's space, which has no part here
        self.head = nn.Sequential(nn.ReLU(), make_head(config.embedding_dim, classes, probe))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """[batch, samples] to logits [batch, classes]."""
        return self.head(self.encoder(values).embedding)


def train_supervised(
    model: Path,
    sounds: Sounds,
    targets: np.ndarray,
    classes: int,
    config: SupervisedConfig,
    training: TrainingConfig,
    probe: ProbeConfig,
    seed: int,
    device: torch.device,
) -> Network:
    """Train end to end.

    Args:
        model: the exported model's folder, of which only the configuration is read.
        sounds: the training sounds.
        targets: class index of each, [n].
        classes: outputs.
        training: everything of the recipe that `config` does not say.
        seed: first weights, order, crops, noise and dropout.

    Raises:
        UserError: the loss is not finite.
    """
    description = WavBriVLConfig.from_pretrained(model)
    description.freeze_backbone = False
    torch.manual_seed(seed)
    network = Network(description, classes, probe).to(device).train()
    recipe = training.model_copy(update={"learning_rate": config.learning_rate})
    optimizer = make_optimizer(network, recipe)
    crop = round((training.crop_seconds or description.window_seconds) * SAMPLING_RATE)
    augmentation = Augmentation(crop, training.gain_db, training.noise_snr_db, description.do_normalize)
    cache = sounds if isinstance(sounds, HeldSounds) else SoundCache(sounds, training.cache_mib)

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        share = share_of_step(len(targets), seed, step, config.batch_size)
        crops = []
        for i, position in zip(share.indices, share.positions, strict=True):
            drawn = draw(seed, int(position), sounds.clips[i].n_samples, 1, augmentation)
            crops.append(apply(cache.audio(int(i), drawn.start, crop), drawn, augmentation))
        return np.stack(crops), targets[share.indices]

    batches = prefetch(batch, range(config.steps))
    for step, (crops, wanted) in enumerate(track(batches, "supervised steps", config.steps)):
        torch.manual_seed(seed * 1_000_003 + step)
        set_rate(optimizer, recipe, step, config.steps)
        with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
            logits = network(torch.from_numpy(crops).to(device))
        loss = nn.functional.cross_entropy(logits.float(), torch.from_numpy(wanted).to(device))
        if not torch.isfinite(loss):
            key = f"evaluate.supervised.learning_rate {config.learning_rate}"
            raise UserError(f"{key}: the loss is not finite at step {step}")
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), training.gradient_clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return network.eval()


def logits_of(network: Network, sounds: Sounds, batch_size: int) -> np.ndarray:
    """Logits of whole sounds, float32 [n, classes]; longer ones are embedded in the model's windows."""
    device = next(network.parameters()).device
    blocks = []
    for first in track(range(0, len(sounds.clips), 256), "blocks of test sounds"):
        waveforms = [sounds.audio(i) for i in range(first, min(first + 256, len(sounds.clips)))]
        embedding = embed_waveforms(network.encoder, waveforms, batch_size).embedding
        with torch.inference_mode():
            blocks.append(network.head(torch.from_numpy(embedding).to(device)).cpu().numpy())
    return np.concatenate(blocks)
