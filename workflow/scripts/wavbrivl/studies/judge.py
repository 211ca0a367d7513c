"""The judges: a classifier of the corpus's own train frames, or a CLIP-like model asked with prompts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from wavbrivl.config.studies import JudgeConfig
from wavbrivl.evaluate.ranking import unit
from wavbrivl.studies.clip import Clip
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
        self._clip = Clip(folder, device, "studies.judge.clip")
        self.name = f"clip {folder.name}"
        self.labels = tuple(labels)
        texts = [prompt.replace("{}", label.replace("_", " ")) for label in labels for prompt in prompts]
        embedded = unit(self._clip.embed_texts(texts)).reshape(len(labels), len(prompts), -1)
        self._classes = unit(embedded.mean(axis=1))

    def judge(self, images: np.ndarray) -> Judgement:
        cosines = unit(self._clip.embed_images(images)) @ self._classes.T
        return Judgement(softmax(self._clip.scale * cosines), None)


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
