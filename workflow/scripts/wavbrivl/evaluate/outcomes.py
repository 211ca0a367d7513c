"""What one rule of classification measures: every row of the tables for one dataset."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import Benchmark, EmbeddedBenchmark, ReadBenchmark, with_matrix
from wavbrivl.evaluate.classify import Scored, classify_folds, classify_split, result_of, scored_by
from wavbrivl.evaluate.items import Items, write_items
from wavbrivl.evaluate.kinds import SUPERVISED
from wavbrivl.evaluate.label_texts import LabelVectors
from wavbrivl.evaluate.matrix import Matrix
from wavbrivl.evaluate.places import TRAINED, metrics_path
from wavbrivl.evaluate.result import Result, write_result
from wavbrivl.evaluate.zero_shot import zero_shot

Outcomes = list[tuple[Result, Items]]

PROTOCOL = (
    "the encoder's architecture trained end to end from random weights on {train}, with the head of the "
    "other rows; no search"
)


def of_benchmark(
    benchmark: Benchmark,
    task: str,
    matrices: Sequence[Matrix],
    labels: LabelVectors,
    supervised: Sequence[Matrix],
    config: EvaluateConfig,
    seed: int,
) -> Outcomes:
    """A benchmark with folds: the head on every encoder, zero-shot for the trained one, scratch training.

    Args:
        matrices: embeddings, one for each encoder.
        labels: label texts in the teacher's space.
        supervised: logits of the tested folds, in the place of embeddings.
    """
    outcomes = []
    for matrix in matrices:
        embedded = with_matrix(benchmark, matrix)
        outcomes.append(classify_folds(embedded, task, config, seed))
        if matrix.encoder == TRAINED:
            outcomes.append(zero_shot(embedded, labels, f"{task}_zeroshot", config, seed))
    if supervised:
        outcomes.append(_supervised_folds(benchmark, task, supervised, config, seed))
    return outcomes


def of_corpus(
    splits: Iterable[Mapping[str, EmbeddedBenchmark]],
    labels: LabelVectors,
    supervised: Matrix | None,
    config: EvaluateConfig,
    seed: int,
    task: str = "vggsound",
) -> Outcomes:
    """The corpus's classes from train to test, with the same rows.

    Args:
        splits: `train`, `validation` and `test` of one encoder after the other, read when it is their turn.
        labels: label texts in the teacher's space.
        supervised: logits of the test split, in the place of embeddings.
    """
    outcomes = []
    for parts in splits:
        test = parts["test"]
        outcomes.append(classify_split(parts["train"], parts["validation"], test, task, config, seed))
        if test.sounds.encoder == TRAINED:
            outcomes.append(zero_shot(test, labels, f"{task}_zeroshot", config, seed, precision=True))
        known = test.sounds
    if supervised is not None:
        if [clip.name for clip in known.clips] != supervised.items:
            raise UserError(f"the logits of '{SUPERVISED}' are of other clips than the test split's")
        sounds = ReadBenchmark(known.dataset, known.labels, known.clips, SUPERVISED, listed=known.listed)
        scored = scored_by(supervised.embedding, sounds)
        protocol = PROTOCOL.format(train="the train split")
        learnt = {split: parts[split].sounds.part for split in ("train", "validation")}
        outcomes.append(
            result_of(
                *(sounds, scored, task, config, seed, "test", protocol),
                settings=_recipe(config),
                parts=learnt,
            )
        )
    return outcomes


def write_outcomes(outcomes: Outcomes, results: Path, scores: Path) -> None:
    """Write the metrics file of each outcome below `results` and the items of all into one table."""
    for result, _ in outcomes:
        write_result(Path(metrics_path(str(results / "metrics"), result.encoder, result.task)), result)
    write_items(scores, {(result.task, result.encoder): items for result, items in outcomes})


def _supervised_folds(
    benchmark: Benchmark, task: str, supervised: Sequence[Matrix], config: EvaluateConfig, seed: int
) -> tuple[Result, Items]:
    by_name = {clip.name: clip for clip in benchmark.clips}
    clips = tuple(by_name[name] for matrix in supervised for name in matrix.items)
    exclusions = tuple(entry for matrix in supervised for entry in matrix.exclusions)
    sounds = ReadBenchmark(benchmark.dataset, benchmark.labels, clips, SUPERVISED, exclusions)
    best = np.concatenate([matrix.embedding for matrix in supervised]).argmax(axis=1)
    hits = (best == sounds.targets).astype(np.float64)
    scored = Scored(hits, [sounds.labels[i] for i in best])
    tested = sorted({clip.fold for clip in clips})
    folds = len({clip.fold for clip in benchmark.clips})
    split = "all folds" if len(tested) == folds else f"fold {', '.join(map(str, tested))} of {folds}"
    protocol = PROTOCOL.format(train="all official folds but the tested one")
    return result_of(
        *(sounds, scored, task, config, seed, split, protocol),
        settings=_recipe(config),
        parts={name: part for matrix in supervised for name, part in matrix.parts.items()},
    )


def _recipe(config: EvaluateConfig) -> dict[str, object]:
    return {"supervised": config.supervised.model_dump(mode="json")}
