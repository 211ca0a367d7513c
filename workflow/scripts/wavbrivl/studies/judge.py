"""The judges: a classifier of the corpus's own train frames, or a CLIP-like model asked with prompts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from wavbrivl.config.studies import JudgeConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.ranking import unit
from wavbrivl.studies.judgement import Judge, Judgement, softmax
from wavbrivl.studies.network import FrameClassifier, load_classifier
from wavbrivl.studies.training import Recipe


class EmbeddedJudge:
    """A classifier trained on the corpus's own train frames, in their colours and in others."""

    def __init__(self, classifier: FrameClassifier) -> None:
        self.name = "embedded"
        self.labels = classifier.labels
        self._classifier = classifier

    def judge(self, images: np.ndarray) -> Judgement:
        reading = self._classifier.read(images)
        hidden = reading.hidden if self._classifier.about["hidden"] else None
        return Judgement(softmax(reading.logits), hidden)


class ClipJudge:
    """A CLIP-like model asked with prompts, by cosine."""

    def __init__(
        self, folder: Path, labels: Sequence[str], prompts: Sequence[str], device: torch.device
    ) -> None:
        from transformers import AutoModel, AutoProcessor

        try:
            self._model = AutoModel.from_pretrained(folder, local_files_only=True).to(device).eval()
            self._processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"studies.judge.clip: {folder} holds no CLIP-like model ({error})") from None
        self.name = f"clip {folder.name}"
        self.labels = tuple(labels)
        self._scale = float(self._model.logit_scale.detach().exp())
        self._classes = self._class_vectors(prompts)

    @torch.no_grad()
    def judge(self, images: np.ndarray, batch_size: int = 64) -> Judgement:
        parts = []
        for first in range(0, len(images), batch_size):
            batch = self._processor(images=list(images[first : first + batch_size]), return_tensors="pt")
            pixels = batch["pixel_values"].to(self._model.device)
            parts.append(_vectors(self._model.get_image_features(pixel_values=pixels)))
        cosines = unit(np.concatenate(parts)) @ self._classes.T
        return Judgement(softmax(self._scale * cosines), None)

    @torch.no_grad()
    def _class_vectors(self, prompts: Sequence[str]) -> np.ndarray:
        """One unit vector a class: the mean of its prompts', [classes, d]."""
        texts = [prompt.replace("{}", label.replace("_", " ")) for label in self.labels for prompt in prompts]
        # SigLIP was trained on texts padded to their greatest length, and knows no other.
        padding = "max_length" if "siglip" in self._model.config.model_type else True
        batch = self._processor(text=texts, return_tensors="pt", padding=padding).to(self._model.device)
        vectors = unit(_vectors(self._model.get_text_features(**batch)))
        return unit(vectors.reshape(len(self.labels), len(prompts), -1).mean(axis=1))


def recipe_of(config: JudgeConfig) -> Recipe:
    """How the embedded judge is trained."""
    return Recipe(
        width=config.width,
        steps=config.steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        recoloured=config.recoloured,
        grayscale=config.grayscale,
        degrade=True,
    )


def open_judge(
    config: JudgeConfig, trained: Path | None, labels: Sequence[str], device: torch.device
) -> Judge:
    """Open the configured judge.

    Args:
        trained: folder of the embedded judge, where that is the one.
        labels: classes that a CLIP-like judge chooses between; the embedded one has its own.
    """
    if config.kind == "embedded":
        assert trained is not None
        return EmbeddedJudge(load_classifier(trained, device))
    return ClipJudge(Path(config.clip or ""), labels, config.prompts, device)


def _vectors(output: object) -> np.ndarray:
    """Features as numpy; transformers returns a tensor or an output that holds it."""
    tensor = output if isinstance(output, torch.Tensor) else output.pooler_output  # type: ignore[attr-defined]
    return tensor.float().cpu().numpy()
