"""Training a small BriVL on a corpus's own captions, with BriVL's own objective.

The towers are the released model's classes at configured widths. Sample order, augmentation and dropout
are functions of seed and step, so a killed training continues to the same weights.
"""

import copy
import hashlib
import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wavbrivl.compute import seed_all, set_up
from wavbrivl.config.teacher import TeacherConfig, TeacherTrainingConfig
from wavbrivl.files import atomic, write_text
from wavbrivl.progress import track
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.augment import augment
from wavbrivl.teacher.moco import Queues, follow, two_queue_loss
from wavbrivl.teacher.model import save_teacher
from wavbrivl.teacher.pairs import Frames, Texts, read_texts
from wavbrivl.teacher.preprocess import normalise, to_unit
from wavbrivl.teacher.text import Tokenizer, build_vocabulary, read_vocabulary
from wavbrivl.teacher.towers import Towers

logger = logging.getLogger("wavbrivl")
LOG_EVERY = 10


class FrameSource(Protocol):
    """What training needs of the pictures; `wavbrivl.teacher.pairs.Frames` is one."""

    counts: np.ndarray

    def batch(self, clips: Sequence[int], frames: Sequence[int]) -> np.ndarray: ...


def train_teacher(
    shards: MediaShards, config: TeacherConfig, out: Path, seed: int, log_dir: Path | None = None
) -> None:
    """Train the towers and write the teacher's folder.

    Args:
        shards: media shards of the train split.
        config: widths, language and `training`.
        out: folder for config.json, model.safetensors and vocab.txt.
        seed: of weights, order, augmentation and dropout.
        log_dir: receives `training.jsonl`, and holds the checkpoint while training runs; `out` if absent.

    Raises:
        UserError: a clip is not of the train split or has no text in the configured language.
    """
    texts = read_texts(shards, config.language, "train")
    frames = Frames(shards, config.image.image_size, config.image.antialias, config.training.images_in_memory)
    vocabulary = vocabulary_for(config, texts)
    trainer = Trainer(config, frames, texts, Tokenizer(vocabulary, config.text.max_length), seed)
    run(trainer, Path(log_dir or out))
    save_teacher(Path(out), config, trainer.towers.state_dict(), vocabulary)


def vocabulary_for(config: TeacherConfig, texts: Texts) -> list[str]:
    """The configured vocabulary, or one of the words that the texts use."""
    if config.vocabulary:
        return read_vocabulary(config.vocabulary)
    return build_vocabulary([*texts.captions, *texts.names])


def run(trainer: "Trainer", log_dir: Path) -> None:
    """Take every step that is left, with checkpoints and a log."""
    steps, every = trainer.training.steps, trainer.training.checkpoint_every
    checkpoint = log_dir / "last.pt"
    rows = _resume(trainer, checkpoint)
    recent: list[dict[str, float]] = []
    for step in track(range(trainer.step, steps), "teacher steps", total=steps - trainer.step):
        recent.append(trainer.take_step())
        if (step + 1) % LOG_EVERY == 0 or step + 1 == steps:
            rows.append(_row(step + 1, recent))
            recent = []
        if (step + 1) % every == 0 and step + 1 < steps and not recent:
            _save(trainer, rows, checkpoint)
    write_text(log_dir / "training.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    checkpoint.unlink(missing_ok=True)


class Trainer:
    """Towers, their momentum copies, queues and optimiser, one step at a time."""

    def __init__(
        self, config: TeacherConfig, frames: FrameSource, texts: Texts, tokenizer: Tokenizer, seed: int
    ):
        self.device = set_up(seed)
        self.config, self.training, self.seed = config, config.training, seed
        self.frames, self.step = frames, 0
        self.pairs = _Pairs(texts, tokenizer)
        self.towers = Towers(config.image, config.text, config.embedding_dim, len(tokenizer)).to(self.device)
        self.keys = copy.deepcopy(self.towers).requires_grad_(False)
        self.queues = Queues(self.training.queue_size, config.embedding_dim).to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.towers.parameters(), lr=self.training.learning_rate,
            weight_decay=self.training.weight_decay, betas=(0.9, 0.98),
        )  # fmt: skip

    def take_step(self) -> dict[str, float]:
        """One optimisation step; returns the two losses and the learning rate."""
        rate = one_cycle(self.step, self.training)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        pixels, tokens, mask, tags = self._batch()
        image, text = _embed(self.towers, pixels, tokens, mask)
        follow(self.keys, self.towers, self.training.momentum)
        with torch.no_grad():
            image_key, text_key = _embed(self.keys, pixels, tokens, mask)
        image_to_text, text_to_image = two_queue_loss(
            image, text, image_key, text_key, tags, self.queues, self.training.temperature
        )
        self.optimizer.zero_grad(set_to_none=True)
        (image_to_text + text_to_image).backward()
        self.optimizer.step()
        self.queues.add(image_key, text_key, tags)
        self.step += 1
        return {"image_to_text": image_to_text.item(), "text_to_image": text_to_image.item(), "rate": rate}

    def _batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        training = self.training
        seed_all(_mix(self.seed, self.step))  # dropout
        generator = torch.Generator().manual_seed(_mix(self.seed, self.step, 1))
        clips = order(self.seed, self.step, training.batch_size, len(self.pairs))
        chosen, brief = torch.rand(2, len(clips), generator=generator).numpy()
        frames = (chosen * self.frames.counts[clips]).astype(np.int64)
        pixels = augment(
            to_unit(self.frames.batch(clips, frames), self.device), generator,
            training.jitter, training.jitter_probability, training.grayscale_probability,
        )  # fmt: skip
        texts = self.pairs.texts(clips, brief < training.label_probability)
        tokens, mask, tags = (part.to(self.device) for part in texts)
        pixels = normalise(pixels) if self.config.image.normalise else pixels
        return pixels, tokens, mask, tags

    def state(self) -> dict[str, Any]:
        """All that a continuation needs: tensors and plain numbers."""
        return {
            "identity": self.identity(),
            "step": self.step,
            "towers": self.towers.state_dict(),
            "keys": self.keys.state_dict(),
            "queues": self.queues.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `state` was taken."""
        self.step = state["step"]
        for part in ("towers", "keys", "queues", "optimizer"):
            getattr(self, part).load_state_dict(state[part])

    def identity(self) -> str:
        """What decides the weights; a checkpoint of another configuration or corpus is not continued."""
        digest = hashlib.sha256(f"{self.seed} {self.config.model_dump_json()}".encode())
        for array in (self.pairs.tokens.numpy(), self.pairs.tags.numpy(), self.frames.counts):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


class _Pairs:
    """Tokens and tags of each clip's caption (row 0) and of its label alone (row 1)."""

    def __init__(self, texts: Texts, tokenizer: Tokenizer):
        encoded = [tokenizer(texts.captions), tokenizer(texts.names)]
        self.tokens = torch.stack([tokens for tokens, _ in encoded])
        self.masks = torch.stack([mask for _, mask in encoded])
        captions, names, labels = texts.numbered()
        rows = [np.stack([text, labels, text == names], axis=1) for text in (captions, names)]
        self.tags = torch.from_numpy(np.stack(rows).astype(np.int64))

    def __len__(self) -> int:
        return self.tokens.shape[1]

    def texts(self, clips: np.ndarray, brief: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens [B, L], mask [B, L] and tags [B, 3] of the clips' captions, or of their labels alone."""
        which = torch.from_numpy(brief.astype(np.int64)), torch.from_numpy(clips)
        return self.tokens[which], self.masks[which], self.tags[which]


def one_cycle(step: int, training: TeacherTrainingConfig) -> float:
    """Learning rate of a step: cosine from 1/25 of the peak up to it, cosine down to 1/1000 of it."""
    peak, rising = training.learning_rate, max(1.0, training.warmup_fraction * training.steps)
    if step < rising:
        return _cosine(peak / 25, peak, step / rising)
    return _cosine(peak, peak / 1000, (step - rising) / max(1.0, training.steps - rising))


def _cosine(first: float, last: float, progress: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * progress)) / 2


def order(seed: int, step: int, batch_size: int, count: int) -> np.ndarray:
    """Indices of a step's samples: permutation after permutation, each drawn from seed and epoch."""
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs = positions // count
    permuted = {int(e): np.random.default_rng([seed, int(e)]).permutation(count) for e in np.unique(epochs)}
    pairs = zip(epochs, positions % count, strict=True)
    return np.array([permuted[int(epoch)][place] for epoch, place in pairs], dtype=np.int64)


def _embed(towers: Towers, pixels: Tensor, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    image = functional.normalize(towers.imgencoder(pixels), dim=-1)
    return image, functional.normalize(towers.textencoder(tokens, mask), dim=-1)


def _mix(*parts: int) -> int:
    """A 32-bit seed from several numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _row(step: int, recent: list[dict[str, float]]) -> dict[str, float]:
    means = {key: sum(entry[key] for entry in recent) / len(recent) for key in recent[0]}
    return {"step": step, **{key: round(value, 6) for key, value in means.items()}}


def _save(trainer: Trainer, rows: list[dict[str, float]], path: Path) -> None:
    with atomic(path) as temporary:
        torch.save({**trainer.state(), "rows": rows}, temporary)


def _resume(trainer: Trainer, path: Path) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["identity"] != trainer.identity():
        logger.info("%s belongs to another configuration or corpus; training starts anew", path)
        return []
    trainer.restore(state)
    logger.info("training continues after step %d", trainer.step)
    return state["rows"]
