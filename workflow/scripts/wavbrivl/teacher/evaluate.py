"""How good the teacher itself is on held-out frames: `metrics/teacher.json`.

What the teacher does not keep, no audio encoder aligned with it can learn.
"""

import numpy as np

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.gallery import Gallery
from wavbrivl.evaluate.intervals import interval, mean_of, value_of
from wavbrivl.evaluate.label_texts import class_vectors
from wavbrivl.evaluate.ranking import ranks_from_scores, unit
from wavbrivl.evaluate.result import Coverage, Metric, Prompts, Result, metric
from wavbrivl.evaluate.teacher_retrieval import run_teacher_retrieval
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.model import Teacher
from wavbrivl.teacher.pairs import Texts, read_texts


def teacher_metrics(
    teacher: Teacher, shards: MediaShards, gallery: Gallery, coverage: Coverage,
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
        class alone gives as `class_only`, and `zero_shot_accuracy`.

    Raises:
        UserError: a clip is of another split, or has no text in the teacher's language.
    """
    texts = read_texts(shards, teacher.language, "test")
    result = run_teacher_retrieval(teacher, gallery, texts.captions, coverage, config, seed, dataset)
    prompts = _prompts(texts, config.prompts[teacher.language], teacher.language)
    accuracy = _zero_shot(teacher, gallery, prompts, config, seed)
    metrics = {**result.metrics, "zero_shot_accuracy": accuracy}
    return result.model_copy(update={"metrics": metrics, "prompts": prompts})


def _prompts(texts: Texts, templates: list[str], language: str) -> Prompts:
    words = dict(sorted(zip(texts.labels, texts.names, strict=True)))
    return Prompts(language=language, templates=templates, labels=words)


def _zero_shot(
    teacher: Teacher, gallery: Gallery, prompts: Prompts, config: EvaluateConfig, seed: int
) -> Metric:
    labels = list(prompts.labels)
    scores = unit(gallery.images) @ class_vectors(labels, prompts, teacher).T
    right = ranks_from_scores(scores, np.array([labels.index(label) for label in gallery.labels])).hits(1)
    statistic = mean_of(right)
    ends = interval(statistic, gallery.video_ids, config.bootstrap, seed)
    return metric(value_of(statistic, len(right)), ends, 1 / len(labels))
