"""Multi-class classification: over official folds, and from an official train split to its test split."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.benchmark import EmbeddedBenchmark, ReadBenchmark
from wavbrivl.evaluate.intervals import fold_mean_of, interval, method, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.precision import ClassPrecision
from wavbrivl.evaluate.probe import fit_probe, predict_folds, search
from wavbrivl.evaluate.result import FoldScores, Metric, Result, SeedScores, metric, seed_scores

FOLDS_PROTOCOL = (
    "{folds} official folds; MLP head on frozen, standardised embeddings; for each test fold the "
    "learning rate is chosen on the next fold and the head refitted on all other folds"
)
SPLIT_PROTOCOL = (
    "official train and test split; MLP head on frozen, standardised embeddings; the learning rate is chosen "
    "on a validation split carved out of train by video, the head refitted on all of train; mAP is macro "
    "average precision over one-vs-rest classes"
)
CENTRED = "; for map the resamples are centred on the value, because copies of an item raise it"


@dataclass(frozen=True)
class Scored:
    """What was said of the test items.

    Attributes:
        hits: how right each item is, [n]: 0 or 1, or between where labels tie.
        predicted: the label that was said, [n].
        precision: scores of all classes, where average precision is asked for.
    """

    hits: np.ndarray
    predicted: list[str]
    precision: ClassPrecision | None = None


def scored_by(logits: np.ndarray, sounds: ReadBenchmark) -> Scored:
    """What logits [n, classes] say, with average precision."""
    best = logits.argmax(axis=1)
    hits = (best == sounds.targets).astype(np.float64)
    return Scored(hits, [sounds.labels[i] for i in best], ClassPrecision(logits, sounds.targets))


def classify_folds(
    benchmark: EmbeddedBenchmark, task: str, config: EvaluateConfig, seed: int
) -> tuple[Result, Items]:
    """Train and test the head on every official fold, with each seed.

    Accuracy is the mean over folds; its interval resamples whole source recordings. The search for
    the learning rate is that of the first seed.

    Raises:
        UserError: where there are too few folds.
    """
    sounds, embedding = benchmark.sounds, benchmark.embedded.embedding
    targets, folds, classes = sounds.targets, sounds.folds, len(sounds.labels)
    outcomes, rates = [], None
    for number in range(seed, seed + config.seeds):
        outcomes.append(predict_folds(embedding, targets, folds, classes, config.probe, number, rates=rates))
        rates = outcomes[0].learning_rates
    values = [
        value_of(fold_mean_of((outcome.predicted == targets).astype(float), folds), len(targets))
        for outcome in outcomes
    ]
    first = outcomes[0].predicted
    scored = Scored((first == targets).astype(np.float64), [sounds.labels[i] for i in first])
    return result_of(
        sounds,
        scored,
        task,
        config,
        seed,
        split="all folds",
        protocol=FOLDS_PROTOCOL.format(folds=len(np.unique(folds))),
        seeds={"accuracy": seed_scores(range(seed, seed + config.seeds), values)},
        settings=_settings(config, {str(fold): rate for fold, rate in outcomes[0].learning_rates.items()}),
    )


def classify_split(
    train: EmbeddedBenchmark,
    validation: EmbeddedBenchmark,
    test: EmbeddedBenchmark,
    task: str,
    config: EvaluateConfig,
    seed: int,
) -> tuple[Result, Items]:
    """Train the head on the train split and test it on the test split, with each seed.

    Args:
        train, validation, test: splits with the same labels.
    """
    sounds, classes = test.sounds, len(test.sounds.labels)
    known = [(split.embedded.embedding, split.sounds.targets) for split in (train, validation)]
    rate = search(*known, classes, config.probe, seed)
    embedding, targets = (np.concatenate(parts) for parts in zip(*known, strict=True))
    scored = []
    for number in range(seed, seed + config.seeds):
        logits = fit_probe(embedding, targets, classes, rate, config.probe, number)
        scored.append(scored_by(logits(test.embedded.embedding), sounds))
    values = {
        "map": [value_of(one.precision.macro, len(sounds.clips)) for one in scored],
        "accuracy": [float(one.hits.mean()) for one in scored],
    }
    facts = {"classes_without_training_items": classes - len(np.unique(targets))}
    return result_of(
        sounds,
        scored[0],
        task,
        config,
        seed,
        split="test",
        protocol=SPLIT_PROTOCOL,
        seeds={name: seed_scores(range(seed, seed + config.seeds), v) for name, v in values.items()},
        settings=_settings(config, rate) | facts,
        parts={"train": train.sounds.part, "validation": validation.sounds.part},
    )


def result_of(
    sounds: ReadBenchmark,
    scored: Scored,
    task: str,
    config: EvaluateConfig,
    seed: int,
    split: str,
    protocol: str,
    seeds: Mapping[str, SeedScores] | None = None,
    settings: Mapping[str, object] | None = None,
    **more: object,
) -> tuple[Result, Items]:
    """The metrics file and the table of items of any classification.

    Args:
        split, protocol: in words.
        more: further keys of `Result`.
    """
    folds, settings = sounds.folds, dict(settings or {})
    metrics = _metrics(sounds, scored, config, seed)
    scores = {"accuracy": scored.hits}
    if scored.precision is not None:
        scores["map"] = scored.precision.of_items()
        settings["classes_without_test_items"] = len(sounds.labels) - len(np.unique(sounds.targets))
    several = len(np.unique(folds)) > 1
    result = Result(
        task=task,
        dataset=sounds.dataset,
        split=split,
        protocol=protocol,
        encoder=sounds.encoder,
        n=len(sounds.clips),
        coverage=sounds.coverage,
        seed=seed,
        metrics=metrics,
        intervals=method(config.bootstrap) + (CENTRED if scored.precision is not None else ""),
        classes=len(sounds.labels),
        folds={"accuracy": fold_scores(scored.hits, folds)} if several else None,
        seeds=dict(seeds) if seeds else None,
        exclusions=sounds.part.exclusions,
        settings=settings,
        **more,
    )
    return result, _items(sounds, scores, scored.predicted)


def fold_scores(values: np.ndarray, folds: np.ndarray) -> FoldScores:
    """Mean of item values in each fold, their mean and their spread (standard deviation, n - 1)."""
    names = [int(fold) for fold in np.unique(folds)]
    means = [float(values[folds == fold].mean()) for fold in names]
    return FoldScores(
        fold=names,
        n=[int((folds == fold).sum()) for fold in names],
        values=[round(mean, 12) for mean in means],
        mean=round(float(np.mean(means)), 12),
        spread=round(float(np.std(means, ddof=1)), 12) if len(means) > 1 else None,
    )


def _metrics(sounds: ReadBenchmark, scored: Scored, config: EvaluateConfig, seed: int) -> dict[str, Metric]:
    """Accuracy as the mean over folds, and macro average precision where scores are given."""
    n, metrics = len(scored.hits), {}
    if scored.precision is not None:
        statistic, chance = scored.precision.macro, scored.precision.chance()
        ends = interval(statistic, sounds.groups, config.bootstrap, seed, centred=True)
        metrics["map"] = metric(value_of(statistic, n), ends, chance)
    statistic = fold_mean_of(scored.hits, sounds.folds)
    ends = interval(statistic, sounds.groups, config.bootstrap, seed)
    chance, majority = 1 / len(sounds.labels), _majority(sounds)
    return metrics | {"accuracy": metric(value_of(statistic, n), ends, chance, majority=majority)}


def _majority(sounds: ReadBenchmark) -> float:
    """The accuracy of the best constant answer."""
    said = (fold_mean_of(sounds.targets == label, sounds.folds) for label in np.unique(sounds.targets))
    return max(value_of(statistic, len(sounds.targets)) for statistic in said)


def _items(sounds: ReadBenchmark, scores: dict[str, np.ndarray], predicted: list[str]) -> Items:
    return Items(
        item=[clip.name for clip in sounds.clips],
        group=sounds.groups,
        label=[clip.label for clip in sounds.clips],
        scores=scores,
        fold=[clip.fold for clip in sounds.clips],
        predicted=predicted,
    )


def _settings(config: EvaluateConfig, rates: object) -> dict[str, object]:
    return {"probe": config.probe.model_dump(mode="json"), "learning_rates": rates}
