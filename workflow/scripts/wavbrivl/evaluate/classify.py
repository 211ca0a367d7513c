"""Multi-class classification over official folds: the same for every benchmark that has folds."""

import numpy as np

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.benchmark import EmbeddedBenchmark
from wavbrivl.evaluate.intervals import fold_mean_of, interval, method, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.probe import predict_folds
from wavbrivl.evaluate.result import FoldScores, Result, metric


def classify_folds(
    benchmark: EmbeddedBenchmark, task: str, config: EvaluateConfig, seed: int
) -> tuple[Result, Items]:
    """Train and test the head on every official fold.

    Accuracy is the mean over folds; its interval resamples whole source recordings.

    Raises:
        UserError: where there are too few folds.
    """
    targets, folds = benchmark.targets, benchmark.folds
    classes = len(benchmark.labels)
    outcome = predict_folds(benchmark.embedded.embedding, targets, folds, classes, config.probe, seed)
    correct = (outcome.predicted == targets).astype(np.float64)
    statistic = fold_mean_of(correct, folds)
    accuracy = metric(
        value_of(statistic, len(correct)),
        interval(statistic, benchmark.groups, config.bootstrap, seed),
        1 / classes,
    )
    result = Result(
        task=task,
        dataset=benchmark.dataset,
        split="all folds",
        protocol=_protocol(len(np.unique(folds))),
        encoder=benchmark.encoder,
        n=len(correct),
        coverage=benchmark.coverage,
        seed=seed,
        metrics={"accuracy": accuracy},
        intervals=method(config.bootstrap),
        classes=classes,
        folds={"accuracy": fold_scores(correct, folds)},
        exclusions=list(benchmark.exclusions),
        settings={
            "probe": config.probe.model_dump(mode="json"),
            "learning_rates": {str(fold): rate for fold, rate in outcome.learning_rates.items()},
        },
    )
    predicted = [benchmark.labels[i] for i in outcome.predicted]
    return result, benchmark_items(benchmark, {"accuracy": correct}, predicted)


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


def benchmark_items(
    benchmark: EmbeddedBenchmark, scores: dict[str, np.ndarray], predicted: list[str]
) -> Items:
    """What each clip of a benchmark scored."""
    return Items(
        item=[clip.name for clip in benchmark.clips],
        group=benchmark.groups,
        label=[clip.label for clip in benchmark.clips],
        scores=scores,
        fold=[clip.fold for clip in benchmark.clips],
        predicted=predicted,
    )


def _protocol(folds: int) -> str:
    return (
        f"{folds} official folds; MLP head on frozen, standardised embeddings; for each test fold the "
        "learning rate is chosen on the next fold and the head refitted on all other folds"
    )
