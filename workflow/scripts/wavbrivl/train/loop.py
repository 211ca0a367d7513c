"""Training of the audio encoder: continues after a kill at any step, with the same result."""

import logging
import time
from collections.abc import Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wavbrivl.audio.build import build_model
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.audio.processing import SAMPLING_RATE
from wavbrivl.compute import set_up
from wavbrivl.config.models import AudioEncoderConfig, TrainingConfig, check_shares
from wavbrivl.errors import UserError
from wavbrivl.files import sha256_of
from wavbrivl.train.augment import Augmentation
from wavbrivl.train.checkpoint import fingerprint, load_last, remove_leftovers, save_best, save_last
from wavbrivl.train.data import Batch, ImageEmbeddings, Sounds, TrainingSet, prefetch
from wavbrivl.train.group import Group
from wavbrivl.train.journal import Journal, Silence
from wavbrivl.train.momentum import MomentumKeys
from wavbrivl.train.objective import Loss, make_objective
from wavbrivl.train.optimizer import make_optimizer, set_rate, trained_parameters
from wavbrivl.train.order import Share, share_of_step
from wavbrivl.train.step import GradientStep
from wavbrivl.train.validation import validate

logger = logging.getLogger("wavbrivl")
COMPILER = "inductor"
"""What torch.compile compiles with."""


class DivergedError(UserError):
    """The loss or the gradient is not finite any more."""


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
    readers: int = 1,
) -> None:
    """Align an audio encoder with the teacher's image embeddings.

    Writes config.json, metrics.jsonl, tensorboard/, best.safetensors (the weights of the best
    validation) and last.pt. Called again after a kill it continues from last.pt and ends with the
    same weights to the last bit; if settings, data or `revision` differ it starts anew. Where
    torch.distributed was started, all its processes call this with the same arguments and share the
    work; the first one writes.

    Args:
        train, validation: media shards of the two splits.
        embeddings: for "train" and "validation" the matrix (.npy) and its table (.csv).
        audio: the section `audio_encoder`.
        config: the section `training`.
        out: folder for the results.
        seed: decides weights, order, crops and augmentation.
        teacher: a description of the teacher for the model's config.json.
        revision: a digest of the code; a checkpoint of another one is not continued.
        readers: threads that read sound ahead; they do not change the result.

    Raises:
        UserError: data that do not fit, no training clip, processes that do not divide the batch, or
            (DivergedError) a loss that is not finite.
    """
    group = Group()
    check_shares(config, group.size)
    if not train.clips:
        raise UserError("the train split has no clips")
    device = set_up(seed)
    images = {
        "train": ImageEmbeddings(*embeddings["train"], train.clips),
        "validation": ImageEmbeddings(*embeddings["validation"], validation.clips),
    }
    _check_widths(images, embeddings, teacher)
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
    if group.first:
        out.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        model.config.save_pretrained(out)
    trainer = Trainer(model, config, out, seed, device, run, group)
    if trainer.finished:
        logger.info("training is complete: %d steps", trainer.step)
        return trainer.journal.close()
    crop = round((config.crop_seconds or audio.window_seconds) * SAMPLING_RATE)
    augmentation = Augmentation(crop, config.gain_db, config.noise_snr_db, model.config.do_normalize)
    data = TrainingSet(train, images["train"], augmentation, seed, config.cache_mib)
    trainer.fit(data, validation, images["validation"], readers)


def _check_widths(
    images: Mapping[str, ImageEmbeddings],
    embeddings: Mapping[str, tuple[Path, Path]],
    teacher: Mapping[str, Any] | None,
) -> None:
    expected = (teacher or {}).get("dim", images["train"].dim)
    for split, matrix in images.items():
        if matrix.dim != expected:
            raise UserError(
                f"{embeddings[split][0]} holds vectors of {matrix.dim} values, the teacher gives {expected}"
            )


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
        group: Group,
    ) -> None:
        """Start a run, or continue the one in `out` whose fingerprint is `run`."""
        self.config, self.out, self.seed, self.run, self.group = config, out, seed, run, group
        if config.activation_checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": False})
        self.model = model.to(device).train()
        self.objective: nn.Module = make_objective(
            config, model.config.embedding_dim, model.config.teacher_dim
        ).to(device)
        self.momentum = MomentumKeys(model, config.momentum, config.momentum_scope).to(device)
        self.optimizer = make_optimizer(model, config, self.objective)
        self.gradient = GradientStep(model, self.momentum, self.objective, config, seed, group)
        self.step = 0
        self.since_best = 0
        self.best: dict[str, Any] = {"step": 0, "mrr": -1.0, "weights": {}}
        rows = self._resume(load_last(out / "last.pt", run))
        self.journal = Journal(out, rows, config.steps) if group.first else Silence()
        if config.compile:
            self.model.wavlm.compile(backend=COMPILER)

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or validation has become no better for long enough."""
        patience = self.config.patience
        return self.step >= self.config.steps or (patience is not None and self.since_best >= patience)

    def fit(self, data: TrainingSet, sounds: Sounds, images: ImageEmbeddings, readers: int = 1) -> None:
        """Train to the end, validating and saving on the way."""
        remaining = range(self.step, self.config.steps)
        ahead = prefetch(
            lambda step: data.batch(self._share(len(data), step)), remaining, 2 + readers, readers
        )
        with closing(ahead) as batches:
            before = time.monotonic()
            for batch in batches:
                waited = time.monotonic() - before
                loss, measured = self._update(batch)
                self.step += 1
                if self.step % self.config.log_every == 0 or self.step == self.config.steps:
                    seconds = {"step_seconds": time.monotonic() - before, "wait_seconds": waited}
                    self.journal.write("train", self.step, {**self._facts(loss), **measured, **seconds})
                self.journal.progress(self.step, loss.total.item())
                if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
                    self._validate_and_save(sounds, images)
                if self.finished:
                    break
                before = time.monotonic()
        if self.step < self.config.steps:
            logger.info(
                "training ends at step %d: no better MRR in %d validations", self.step, self.since_best
            )
        self.journal.close()

    def _share(self, size: int, step: int) -> Share:
        group = self.group
        return share_of_step(
            size, self.seed, step, self.config.batch_size // group.size, group.rank, group.size
        )

    def _update(self, batch: Batch) -> tuple[Loss, dict[str, float]]:
        """One optimisation step; returns the loss before it and what else was measured."""
        rate = set_rate(self.optimizer, self.config, self.step, self.config.steps)
        loss = self.gradient(batch, self.step)
        trained = trained_parameters(self.model, self.objective)
        norm = nn.utils.clip_grad_norm_(trained, self.config.gradient_clip)
        if not torch.isfinite(loss.total + norm):
            highest = self.config.learning_rate
            raise DivergedError(
                f"training.learning_rate {highest}: the loss is not finite at step {self.step}"
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss, {"learning_rate": rate, "gradient_norm": float(norm)}

    def _facts(self, loss: Loss) -> dict[str, Any]:
        return {
            "loss": loss.total.item(),
            "parts": {name: part.item() for name, part in loss.parts.items()},
            "layer_weights": self.model.pooling.normalised_weights().tolist(),
        }

    def _validate_and_save(self, sounds: Sounds, images: ImageEmbeddings) -> None:
        if sounds.clips:
            # Validation has lengths and a mode of its own: compiling for it would take longer than it does.
            eager = torch.compiler.set_stance("force_eager") if self.config.compile else nullcontext()
            with eager:
                result = validate(self.model, sounds, images, self.config.validation_clips, self.group)
            self.journal.write("validation", self.step, result)
            score = (result["mrr_audio_to_image"] + result["mrr_image_to_audio"]) / 2
            logger.info("validation: step %d, MRR %.3f among %d clips", self.step, score, result["gallery"])
        else:
            logger.warning("there are no validation clips: the latest weights count as the best")
            score = self.best["mrr"] + 1
        self.since_best += 1
        if score > self.best["mrr"]:
            weights = self.model.state_dict() if self.group.first else {}
            weights = {k: v.detach().cpu().clone() for k, v in weights.items()}
            self.best = {"step": self.step, "mrr": score, "weights": weights}
            self.since_best = 0
            self._save_best()
        if self.group.first:
            save_last(self.out / "last.pt", self._state())

    def _save_best(self) -> None:
        if not self.group.first:
            return
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
            "since_best": self.since_best,
            "rows": self.journal.rows,
        }

    def _resume(self, state: dict[str, Any] | None) -> list[str]:
        """Take up a checkpoint, if there is one; returns the rows of the journal so far.

        The checkpoint holds the best weights too: whoever runs this may have removed the outputs
        of an unfinished job, as Snakemake does.
        """
        if self.group.first:
            (self.out / "best.safetensors").unlink(missing_ok=True)
        self._agree_on(-1 if state is None else state["step"])
        if state is None:
            return []
        self.step, self.since_best = state["step"], state["since_best"]
        self.model.load_state_dict(state["model"])
        self.momentum.load_state_dict(state["momentum"])
        self.objective.load_state_dict(state["objective"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = state["best"]
        self._save_best()
        logger.info("training continues after step %d", self.step)
        return list(state["rows"])

    def _agree_on(self, step: int) -> None:
        device = next(self.model.parameters()).device
        steps = self.group.gather(torch.tensor([step], device=device)).tolist()
        if len(set(steps)) > 1:
            raise UserError(
                f"{self.out}: the processes read checkpoints of different steps; do they share it?"
            )
