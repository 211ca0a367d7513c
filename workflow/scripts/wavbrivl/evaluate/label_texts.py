"""Label texts in the teacher's space: prompts out of translations and templates, one vector a label."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.ranking import unit
from wavbrivl.evaluate.result import Prompts
from wavbrivl.files import atomic
from wavbrivl.labels.loader import words_for


class TextTower(Protocol):
    """The part of the teacher that is needed here."""

    language: str

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        """[n, teacher_dim], unit length."""
        ...


@dataclass(frozen=True)
class LabelVectors:
    """One unit vector for each label, [classes, teacher_dim] float64, and what the text tower was asked."""

    labels: tuple[str, ...]
    vectors: np.ndarray
    prompts: Prompts


def check_prompts(labels: Sequence[str], templates: Sequence[str], language: str, file: Path) -> Prompts:
    """What will be asked; reads no weights, so it can run before any job.

    Raises:
        UserError: a template without the place for the label, or a label without a translation.
    """
    if not templates:
        raise UserError(f"evaluate.prompts.{language}: at least one template is needed for zero-shot")
    for template in templates:
        if template.count("{}") != 1:
            raise UserError(f"evaluate.prompts.{language}: '{template}' needs '{{}}' once, for the label")
    return Prompts(language=language, templates=list(templates), labels=words_for(labels, language, file))


def class_vectors(labels: Sequence[str], prompts: Prompts, teacher: TextTower) -> np.ndarray:
    """One unit vector a label: the mean of its prompts' embeddings, [classes, teacher_dim] float64."""
    texts = [
        template.replace("{}", prompts.labels[label]) for label in labels for template in prompts.templates
    ]
    embedded = unit(teacher.embed_texts(texts)).reshape(len(labels), len(prompts.templates), -1)
    return unit(embedded.mean(axis=1))


def embed_labels(
    labels: Sequence[str], teacher: TextTower, templates: Sequence[str], translations: Path
) -> LabelVectors:
    """Ask the text tower for every label in every template.

    Raises:
        UserError: a label without a translation, or no template.
    """
    prompts = check_prompts(labels, templates, teacher.language, translations)
    return LabelVectors(tuple(labels), class_vectors(labels, prompts, teacher), prompts)


def write_labels(path: Path, labels: LabelVectors) -> None:
    """Write one `.npz`."""
    text = json.dumps({"labels": labels.labels, "prompts": labels.prompts.model_dump()})
    with atomic(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, vectors=labels.vectors, text=np.frombuffer(text.encode(), np.uint8))


def read_labels(path: Path) -> LabelVectors:
    """Read what `write_labels` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        text = json.loads(arrays["text"].tobytes().decode())
        return LabelVectors(tuple(text["labels"]), arrays["vectors"], Prompts(**text["prompts"]))
