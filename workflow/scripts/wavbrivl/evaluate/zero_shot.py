"""Zero-shot classification: the nearest label text in the teacher's space."""

from dataclasses import replace

import numpy as np

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import EmbeddedBenchmark, ReadBenchmark
from wavbrivl.evaluate.classify import Scored, result_of
from wavbrivl.evaluate.intervals import fold_mean_of, interval, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.label_texts import LabelVectors
from wavbrivl.evaluate.precision import ClassPrecision
from wavbrivl.evaluate.ranking import ranks_from_scores, unit
from wavbrivl.evaluate.result import Metric, Result, metric

PROTOCOL = (
    "zero-shot: nearest label text by cosine in the teacher's space, averaged prompts; labels that tie share "
    "the hit; accuracy: a constant answer scores its class's share of the items, chance on average over the "
    "labels, `majority` at most; accuracy_macro: the nearest among labels that have a test item, mean over "
    "classes, where every constant answer scores chance"
)


def zero_shot(
    benchmark: EmbeddedBenchmark,
    labels: LabelVectors,
    task: str,
    config: EvaluateConfig,
    seed: int,
    precision: bool = False,
) -> tuple[Result, Items]:
    """Classify every clip by the cosine between its sound and the label texts.

    Nothing is trained, so all folds are test items. Where several labels tie at the top, a clip
    counts with the probability of drawing the right one.

    Args:
        precision: macro average precision as well.

    Raises:
        UserError: an encoder that has no way into the teacher's space, or labels of another benchmark.
    """
    sounds, projection = benchmark.sounds, benchmark.embedded.projection
    if projection is None:
        raise UserError(f"encoder '{sounds.encoder}' has no projection into the teacher's space")
    if labels.labels != sounds.labels:
        raise UserError(f"the label texts are not those of {sounds.dataset}")
    scores = unit(projection) @ labels.vectors.T
    hits = ranks_from_scores(scores, sounds.targets).hits(1)
    scored = Scored(hits, [sounds.labels[i] for i in scores.argmax(axis=1)])
    if precision:
        scored = replace(scored, precision=ClassPrecision(scores, sounds.targets))
    result, items = result_of(
        sounds,
        scored,
        task,
        config,
        seed,
        split="all folds" if len(np.unique(sounds.folds)) > 1 else "test",
        protocol=PROTOCOL,
        prompts=labels.prompts,
    )
    macro = _macro(scores, sounds, config, seed)
    untested = len(sounds.labels) - len(np.unique(sounds.targets))
    more = {
        "metrics": {**result.metrics, "accuracy_macro": macro},
        "settings": {**result.settings, "classes_without_test_items": untested},
    }
    return result.model_copy(update=more), items


def _macro(scores: np.ndarray, sounds: ReadBenchmark, config: EvaluateConfig, seed: int) -> Metric:
    """Mean over classes of their accuracy, among the labels that have a test item.

    A constant encoder says one of these, all of one class and nothing of the others: exactly chance. With
    labels in the choice that no item has, it would score chance or nothing.
    """
    tested, own = np.unique(sounds.targets, return_inverse=True)
    hits = ranks_from_scores(scores[:, tested], own).hits(1)
    by_class = fold_mean_of(hits, own)
    ends = interval(by_class, sounds.groups, config.bootstrap, seed)
    return metric(value_of(by_class, len(hits)), ends, 1 / len(tested))
