"""Zero-shot classification: the nearest label text in the teacher's space."""

from dataclasses import replace

import numpy as np

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import EmbeddedBenchmark
from wavbrivl.evaluate.classify import Scored, result_of
from wavbrivl.evaluate.intervals import fold_mean_of, interval, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.label_texts import LabelVectors
from wavbrivl.evaluate.precision import ClassPrecision
from wavbrivl.evaluate.ranking import ranks_from_scores, unit
from wavbrivl.evaluate.result import Result, metric

PROTOCOL = (
    "zero-shot: nearest label text by cosine in the teacher's space, averaged prompts; labels that tie share "
    "the hit; accuracy_macro is the mean over classes"
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
    # A constant encoder says one class: its accuracy is that class's share, its macro accuracy chance.
    by_class = fold_mean_of(hits, sounds.targets)
    ends = interval(by_class, sounds.groups, config.bootstrap, seed)
    macro = metric(value_of(by_class, len(hits)), ends, 1 / len(sounds.labels))
    return result.model_copy(update={"metrics": {**result.metrics, "accuracy_macro": macro}}), items
