"""Zero-shot classification: the nearest label text in the teacher's space."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import EmbeddedBenchmark
from wavbrivl.evaluate.classify import benchmark_items, fold_scores
from wavbrivl.evaluate.intervals import fold_mean_of, interval, method, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.ranking import ranks_from_scores, unit
from wavbrivl.evaluate.result import Prompts, Result, metric
from wavbrivl.labels.loader import words_for

Projector = Callable[[np.ndarray], np.ndarray]
"""From embeddings [n, dim] into the teacher's space [n, teacher_dim]."""


class TextTower(Protocol):
    """The part of the teacher that is needed here."""

    language: str

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        """[n, teacher_dim], unit length."""
        ...


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


def zero_shot(
    benchmark: EmbeddedBenchmark,
    teacher: TextTower,
    label_file: Path,
    task: str,
    config: EvaluateConfig,
    seed: int,
    projector: Projector | None = None,
) -> tuple[Result, Items]:
    """Classify every clip by the cosine between its sound and the label texts.

    Nothing is trained, so all folds are test items. Where several labels tie at the top, a clip
    counts with the probability of drawing the right one.

    Args:
        projector: for encoders without a projection of their own.

    Raises:
        UserError: a label without a translation, or an encoder that has no way into the teacher's space.
    """
    prompts = check_prompts(
        benchmark.labels, config.prompts.get(teacher.language, []), teacher.language, label_file
    )
    sounds = _in_teacher_space(benchmark, projector)
    scores = unit(sounds) @ class_vectors(benchmark.labels, prompts, teacher).T
    hits = ranks_from_scores(scores, benchmark.targets).hits(1)
    classes = len(benchmark.labels)
    statistic = fold_mean_of(hits, benchmark.folds)
    accuracy = metric(
        value_of(statistic, len(hits)),
        interval(statistic, benchmark.groups, config.bootstrap, seed),
        1 / classes,
    )
    result = Result(
        task=task,
        dataset=benchmark.dataset,
        split="all folds",
        protocol="zero-shot: nearest label text by cosine in the teacher's space, averaged prompts",
        encoder=benchmark.encoder,
        n=len(hits),
        coverage=benchmark.coverage,
        seed=seed,
        metrics={"accuracy": accuracy},
        intervals=method(config.bootstrap),
        classes=classes,
        folds={"accuracy": fold_scores(hits, benchmark.folds)},
        prompts=prompts,
        exclusions=list(benchmark.exclusions),
    )
    predicted = [benchmark.labels[i] for i in scores.argmax(axis=1)]
    return result, benchmark_items(benchmark, {"accuracy": hits}, predicted)


def _in_teacher_space(benchmark: EmbeddedBenchmark, projector: Projector | None) -> np.ndarray:
    if projector is not None:
        return projector(benchmark.embedded.embedding)
    if benchmark.embedded.projection is None:
        raise UserError(f"encoder '{benchmark.encoder}' has no projection into the teacher's space")
    return benchmark.embedded.projection
