"""Training of the audio encoder: continues after a kill at any step, with the same result."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wavbrivl.audio.build import build_model
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.audio.processing import SAMPLING_RATE
from wavbrivl.compute import set_up
from wavbrivl.config.models import AudioEncoderConfig, TrainingConfig
from wavbrivl.errors import UserError
from wavbrivl.files import sha256_of
from wavbrivl.train.augment import Augmentation
from wavbrivl.train.checkpoint import fingerprint, load_last, remove_leftovers, save_best, save_last
from wavbrivl.train.data import Batch, ImageEmbeddings, Sounds, TrainingSet, prefetch
from wavbrivl.train.journal import Journal
from wavbrivl.train.momentum import MomentumKeys, vectors_of
from wavbrivl.train.objective import Loss, make_objective
from wavbrivl.train.optimizer import make_optimizer, set_rate
from wavbrivl.train.order import share_of_step
from wavbrivl.train.validation import validate

logger = logging.getLogger("wavbrivl")


def train_encoder(
    train: Sounds,
    validation: Sounds,
    embeddings: Mapping[str, tuple[Path, Path]],
    audio: AudioEncoderConfig,
    config: TrainingConfig,
    out: Path,
    seed: int,
    teacher: Mapping[str, Any] | None = None,
    revision: str = "",
) -> None:
    """Align an audio encoder with the teacher's image embeddings.

    Writes config.json, metrics.jsonl, tensorboard/, best.safetensors (the weights of the best
    validation) and last.pt. Called again after a kill it continues from last.pt and ends with the
    same weights to the last bit; if settings, data or `revision` differ it starts anew.

    Args:
        train, validation: media shards of the two splits.
        embeddings: for "train" and "validation" the matrix (.npy) and its table (.csv).
        audio: the section `audio_encoder`.
        config: the section `training`.
        out: folder for the results.
        seed: decides weights, order, crops and augmentation.
        teacher: a description of the teacher for the model's config.json.
        revision: a digest of the code; a checkpoint of another one is not continued.

    Raises:
        UserError: data that do not fit, no training clip, or a loss that is not finite.
    """
    if not train.clips:
        raise UserError("the train split has no clips")
    device = set_up(seed)
    images = {
        "train": ImageEmbeddings(*embeddings["train"], train.clips),
        "validation": ImageEmbeddings(*embeddings["validation"], validation.clips),
    }
    model = build_model(audio, images["train"].dim, dict(teacher) if teacher else None)
    identity = {
        "config": config.model_dump(mode="json"),
        "model": model.config.to_dict(),
        "seed": seed,
        "revision": revision,
        "embeddings": {split: [sha256_of(path) for path in embeddings[split]] for split in images},
        "clips": [[clip.clip_id for clip in split.clips] for split in (train, validation)],
    }
    run = fingerprint(identity, model.state_dict())
    out.mkdir(parents=True, exist_ok=True)
    remove_leftovers(out)
    model.config.save_pretrained(out)
    trainer = Trainer(model, config, out, seed, device, run)
    if trainer.step >= config.steps:
        logger.info("training is complete: %d steps", trainer.step)
        return trainer.journal.close()
    crop = round((config.crop_seconds or audio.window_seconds) * SAMPLING_RATE)
    augmentation = Augmentation(crop, config.gain_db, config.noise_snr_db, model.config.do_normalize)
    data = TrainingSet(train, images["train"], augmentation, seed, config.cache_mib)
    trainer.fit(data, validation, images["validation"])


class Trainer:
    """The state of a training run and its steps."""

    def __init__(
        self,
        model: WavBriVLModel,
        config: TrainingConfig,
        out: Path,
        seed: int,
        device: torch.device,
        run: str,
    ) -> None:
        """Start a run, or continue the one in `out` whose fingerprint is `run`."""
        self.config, self.out, self.seed, self.device, self.run = config, out, seed, device, run
        self.model = model.to(device).train()
        self.objective: nn.Module = make_objective(
            config, model.config.embedding_dim, model.config.teacher_dim
        ).to(device)
        self.momentum = MomentumKeys(model, config.momentum, config.momentum_scope).to(device)
        self.optimizer = make_optimizer(model, config)
        self.step = 0
        self.best: dict[str, Any] = {"step": 0, "mrr": -1.0, "weights": {}}
        rows = self._resume(load_last(out / "last.pt", run))
        self.journal = Journal(out, rows, config.steps)

    def fit(self, data: TrainingSet, sounds: Sounds, images: ImageEmbeddings) -> None:
        """Train to the last step, validating and saving on the way."""
        remaining = range(self.step, self.config.steps)
        batches = prefetch(lambda step: data.batch(self._share(len(data), step)), remaining)
        before = time.monotonic()
        for batch in batches:
            waited = time.monotonic() - before
            # Dropout is drawn from the step's own seed: there is no generator state to keep.
            torch.manual_seed(self.seed * 1_000_003 + self.step)
            loss, measured = self._update(batch)
            self.step += 1
            if self.step % self.config.log_every == 0 or self.step == self.config.steps:
                seconds = {"step_seconds": time.monotonic() - before, "wait_seconds": waited}
                self.journal.write("train", self.step, {**self._facts(loss), **measured, **seconds})
            self.journal.progress(self.step, loss.total.item())
            if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
                self._validate_and_save(sounds, images)
            before = time.monotonic()
        self.journal.close()

    def _share(self, size: int, step: int):
        return share_of_step(size, self.seed, step, self.config.batch_size)

    def _update(self, batch: Batch) -> tuple[Loss, dict[str, float]]:
        """One optimisation step; returns the loss before it and what else was measured."""
        rate = set_rate(self.optimizer, self.config, self.step, self.config.steps)
        loss = self._accumulate(batch)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        if not torch.isfinite(loss.total + norm):
            highest = self.config.learning_rate
            raise UserError(f"training.learning_rate {highest}: the loss is not finite at step {self.step}")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss, {"learning_rate": rate, "gradient_norm": float(norm)}

    def _accumulate(self, batch: Batch) -> Loss:
        """Forward and backward of a batch, then its keys into the queues."""
        values, teacher, clips, videos = (
            torch.from_numpy(x).to(self.device)
            for x in (batch.waveforms, batch.images, batch.clips, batch.videos)
        )
        with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
            states = self.model.hidden_states(values)
            _, pooled = self.model.pooling(states)
            online = vectors_of(self.model.heads, pooled, teacher)
        loss = self.objective(online, clips, videos)
        loss.total.backward()
        if self.config.loss == "cxloss":
            with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
                self.momentum.follow(self.model)
                keys = self.momentum.keys(values, states, pooled, teacher)
            self.objective.enqueue(keys, clips, videos)
        return loss

    def _facts(self, loss: Loss) -> dict[str, Any]:
        return {
            "loss": loss.total.item(),
            "parts": {name: part.item() for name, part in loss.parts.items()},
            "layer_weights": self.model.pooling.normalised_weights().tolist(),
        }

    def _validate_and_save(self, sounds: Sounds, images: ImageEmbeddings) -> None:
        if sounds.clips:
            result = validate(self.model, sounds, images, self.config.validation_clips)
            self.journal.write("validation", self.step, result)
            score = (result["mrr_audio_to_image"] + result["mrr_image_to_audio"]) / 2
            logger.info("validation: step %d, MRR %.3f among %d clips", self.step, score, result["gallery"])
        else:
            logger.warning("there are no validation clips: the latest weights count as the best")
            score = self.best["mrr"] + 1
        if score > self.best["mrr"]:
            weights = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
            self.best = {"step": self.step, "mrr": score, "weights": weights}
            self._save_best()
        save_last(self.out / "last.pt", self._state())

    def _save_best(self) -> None:
        facts = {"step": str(self.best["step"]), "validation_mrr": f"{self.best['mrr']:.6f}"}
        save_best(self.out / "best.safetensors", self.best["weights"], facts)

    def _state(self) -> dict[str, Any]:
        return {
            "fingerprint": self.run,
            "step": self.step,
            "model": self.model.state_dict(),
            "momentum": self.momentum.state_dict(),
            "objective": self.objective.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "rows": self.journal.rows,
        }

    def _resume(self, state: dict[str, Any] | None) -> list[str]:
        """Take up a checkpoint, if there is one; returns the rows of the journal so far.

        The checkpoint holds the best weights too: whoever runs this may have removed the outputs
        of an unfinished job, as Snakemake does.
        """
        (self.out / "best.safetensors").unlink(missing_ok=True)
        if state is None:
            return []
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.momentum.load_state_dict(state["momentum"])
        self.objective.load_state_dict(state["objective"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = state["best"]
        self._save_best()
        logger.info("training continues after step %d", self.step)
        return list(state["rows"])
