"""Cross-modal retrieval on held-out clips: sound to image and image to sound.

The gallery is the whole split and the match is the instance: a sound has to find the picture of
its own clip (the paper's "CMR"; its gallery definition is not given, so this is the strict one).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.gallery import Gallery
from wavbrivl.evaluate.intervals import Statistic, interval, mean_of, median_of, method, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.matrix import Matrix
from wavbrivl.evaluate.ranking import (
    Ranks,
    chance_hits,
    chance_rank,
    chance_reciprocal,
    class_only_hits,
    class_only_rank,
    class_only_reciprocal,
    ranks_both_ways,
)
from wavbrivl.evaluate.result import Metric, Part, Result, metric, several_seeds

Projector = Callable[[np.ndarray], np.ndarray]
"""From embeddings [n, dim] into the teacher's space [n, teacher_dim]."""

FitProjector = Callable[[np.ndarray, Gallery, int], Projector]
"""From embeddings of the training sounds, their gallery and a seed to a projector."""

Train = Callable[[], tuple[Matrix, Gallery]]
"""Loads the embeddings of the training sounds and their gallery."""


@dataclass(frozen=True)
class Retrieval:
    """The outcome of one encoder.

    Attributes:
        result: the metrics file.
        items: what each clip scored in both directions.
        sounds: the sounds in the teacher's space, [n, teacher_dim].
    """

    result: Result
    items: Items
    sounds: np.ndarray


def run_retrieval(
    sounds: Matrix,
    test: Gallery,
    train: Train,
    listed: Mapping[str, Part],
    config: EvaluateConfig,
    seed: int,
    fit: FitProjector,
    dataset: str,
    task: str = "vggsound_retrieval",
) -> Retrieval:
    """Measure one encoder.

    Args:
        sounds: its embeddings of the test split. With a projection of its own, that is used; otherwise
            one is fitted on what `train` gives.
        test: the gallery.
        train: loads the embeddings and images of the train split. Asked only where something is fitted, and
            let go of before anything is ranked.
        listed: clips that the list has of `train` and `test`, from the ledgers.
        fit: the cross projection for baselines (`evaluate.cross_projection`).

    Raises:
        UserError: a gallery of fewer than two clips, or embeddings of other clips.
    """
    if len(test.clip_ids) < 2:
        raise UserError(
            f"{test.source}: retrieval needs two clips or more, and there are {len(test.clip_ids)}"
        )
    _refuse_others(sounds, test)
    parts, origin, projected = {}, "the encoder's own projection g(a)", [sounds.projection]
    if sounds.projection is None:
        parts, origin = {"train": listed["train"]}, "a cross projection fitted on the train split"
        projected = _fitted(sounds.embedding, train, fit, range(seed, seed + config.heavy_seeds))
    ranked = [_ranks(one, test) for one in projected]
    ranks = ranked[0]
    metrics = retrieval_metrics(ranks, test.labels, test.video_ids, config, seed)
    values = [_values(found, test.labels, config.retrieval.recalls) for found in ranked]
    result = Result(
        task=task,
        dataset=dataset,
        split="test",
        protocol=f"instance-level retrieval over the whole gallery by cosine in the teacher's space; "
        f"{origin}; one frame-averaged image a clip; ties at their expected rank",
        encoder=sounds.encoder,
        n=len(test.clip_ids),
        coverage=listed["test"].coverage,
        seed=seed,
        metrics=metrics,
        intervals=f"{method(config.bootstrap)}; queries are drawn, the gallery stays as it is",
        classes=len(set(test.labels) - {""}) or None,
        gallery=len(test.clip_ids),
        seeds=several_seeds(range(seed, seed + len(ranked)), values),
        exclusions=listed["test"].exclusions,
        parts=parts,
    )
    return Retrieval(result, _items(test, ranks), projected[0])


def retrieval_metrics(
    ranks: dict[str, Ranks],
    labels: Sequence[str],
    groups: Sequence[str],
    config: EvaluateConfig,
    seed: int,
) -> dict[str, Metric]:
    """MRR, recalls and median rank in each direction, beside chance and what the class alone gives.

    Args:
        ranks: by direction, such as `audio_to_image`; it ends the metrics' names.
        labels: class of each clip, [n]; all empty where the corpus has none.
        groups: source recording of each clip, [n].
    """
    metrics = {}
    for direction, found in ranks.items():
        for name, statistic, chance, class_only in _rows(found, labels, config.retrieval.recalls):
            value = value_of(statistic, found.gallery)
            ci95 = interval(statistic, groups, config.bootstrap, seed)
            known = class_only if any(labels) else None
            metrics[f"{name}_{direction}"] = metric(value, ci95, chance, known)
    return metrics


def _rows(
    ranks: Ranks, labels: Sequence[str], recalls: Sequence[int]
) -> list[tuple[str, Statistic, float, float]]:
    """Name, statistic, chance and class-only value of every metric of one direction."""
    n = ranks.gallery
    mrr = ("mrr", mean_of(ranks.reciprocal()), chance_reciprocal(n), class_only_reciprocal(labels))
    hits = [
        (f"recall_at_{k}", mean_of(ranks.hits(k)), chance_hits(n, k), class_only_hits(labels, k))
        for k in recalls
    ]
    return [mrr, *hits, ("median_rank", median_of(ranks.expected()), chance_rank(n), class_only_rank(labels))]


def _fitted(embedding: np.ndarray, train: Train, fit: FitProjector, seeds: Sequence[int]) -> list[np.ndarray]:
    """The test sounds in the teacher's space, once a seed; the train split is in memory in here alone."""
    known, gallery = train()
    _refuse_others(known, gallery)
    return [fit(known.embedding, gallery, seed)(embedding) for seed in seeds]


def _refuse_others(sounds: Matrix, gallery: Gallery) -> None:
    if sounds.items != gallery.clip_ids:
        raise UserError(f"{gallery.source}: the sounds of '{sounds.encoder}' are of other clips")


def _ranks(sounds: np.ndarray, test: Gallery) -> dict[str, Ranks]:
    found, finding = ranks_both_ways(sounds, test.images)
    return {"audio_to_image": found, "image_to_audio": finding}


def _values(ranks: dict[str, Ranks], labels: Sequence[str], recalls: Sequence[int]) -> dict[str, float]:
    return {
        f"{name}_{direction}": value_of(statistic, found.gallery)
        for direction, found in ranks.items()
        for name, statistic, *_ in _rows(found, labels, recalls)
    }


def _items(test: Gallery, ranks: dict[str, Ranks]) -> Items:
    scores = {f"mrr_{direction}": ranks[direction].reciprocal() for direction in ranks}
    scores |= {f"recall_at_1_{direction}": ranks[direction].hits(1) for direction in ranks}
    return Items(item=test.clip_ids, group=test.video_ids, label=test.labels, scores=scores)
