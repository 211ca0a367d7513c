"""How good the teacher itself is on held-out frames: `metrics/teacher.json`.

What the teacher does not keep, no audio encoder aligned with it can learn.
"""

import logging

import numpy as np

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.gallery import Gallery
from wavbrivl.evaluate.intervals import interval, mean_of, value_of
from wavbrivl.evaluate.label_texts import class_vectors
from wavbrivl.evaluate.ranking import ranks_from_scores, unit
from wavbrivl.evaluate.result import Coverage, Metric, Prompts, Result, metric
from wavbrivl.evaluate.teacher_retrieval import run_teacher_retrieval
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.interface import FrozenTeacher
from wavbrivl.teacher.pairs import NoTextError, Texts, read_texts

logger = logging.getLogger("wavbrivl")


def teacher_metrics(
    teacher: FrozenTeacher, shards: MediaShards, gallery: Gallery, coverage: Coverage,
    config: EvaluateConfig, seed: int, dataset: str,
) -> Result:  # fmt: skip
    """Text-image retrieval and zero-shot classes on the held-out frames.

    Args:
        teacher: the frozen towers.
        shards: media shards of the test split.
        gallery: the same clips with their image embeddings (`wavbrivl.evaluate.gallery.load_gallery`).
        coverage: clips that the list has, from the ledgers.
        config: bootstrap and prompts.
        seed: of the bootstrap.
        dataset: name of the corpus.

    Returns:
        The metrics file: text_to_image and image_to_text ranks, each with what perfect knowledge of the
        class alone gives as `class_only`, and `zero_shot_accuracy`. Where the clips have no texts in the
        teacher's language, no metric, and the reason in `settings`.

    Raises:
        UserError: a clip is of another split.
    """
    try:
        texts = read_texts(shards, teacher.language, "test")
    except NoTextError as error:
        logger.warning("the teacher is not measured: %s", error)
        return _not_measured(gallery, coverage, seed, dataset, str(error))
    result = run_teacher_retrieval(teacher, gallery, texts.captions, coverage, config, seed, dataset)
    prompts = _prompts(texts, config.prompts[teacher.language], teacher.language)
    accuracy = _zero_shot(teacher, gallery, prompts, config, seed)
    metrics = {**result.metrics, "zero_shot_accuracy": accuracy}
    return result.model_copy(update={"metrics": metrics, "prompts": prompts})


def _not_measured(gallery: Gallery, coverage: Coverage, seed: int, dataset: str, reason: str) -> Result:
    return Result(
        task="teacher", dataset=dataset, split="test", protocol="not measured", encoder="teacher",
        n=len(gallery.clip_ids), coverage=coverage, seed=seed, metrics={}, intervals="none",
        settings={"reason": reason},
    )  # fmt: skip


def _prompts(texts: Texts, templates: list[str], language: str) -> Prompts:
    words = dict(sorted(zip(texts.labels, texts.names, strict=True)))
    return Prompts(language=language, templates=templates, labels=words)


def _zero_shot(
    teacher: FrozenTeacher, gallery: Gallery, prompts: Prompts, config: EvaluateConfig, seed: int
) -> Metric:
    labels = list(prompts.labels)
    scores = unit(gallery.images) @ class_vectors(labels, prompts, teacher).T
    right = ranks_from_scores(scores, np.array([labels.index(label) for label in gallery.labels])).hits(1)
    statistic = mean_of(right)
    ends = interval(statistic, gallery.video_ids, config.bootstrap, seed)
    return metric(value_of(statistic, len(right)), ends, 1 / len(labels))
