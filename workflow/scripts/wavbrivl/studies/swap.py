"""Swapping the sounds of two classes must swap what is drawn: the judge says which of both it sees."""

from collections.abc import Mapping

from wavbrivl.evaluate.intervals import interval, mean_of, method, paired_difference, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.result import Coverage, Metric, Result, metric
from wavbrivl.studies.rating import R_AT_1, R_AT_1_SOURCE

STUDY = "swap"


def swap_result(
    tables: Mapping[str, Items], judge: str, classes: int, dataset: str, coverage: Coverage, resamples: int,
    seed: int,
) -> Result:  # fmt: skip
    """The metrics file `swap`.

    For each generator: how often the drawing shows the class of the sound that was heard, how often the class
    whose sound it was not, and the difference on the same drawings.

    Args:
        tables: judged drawings of the study by generator.
        judge, classes: who judged, between how many classes.
    """
    metrics: dict[str, Metric] = {}
    for generator, items in tables.items():
        heard, silent = items.scores[R_AT_1_SOURCE], items.scores[R_AT_1]
        for name, values in (("heard_class", heard), ("silent_class", silent)):
            statistic = mean_of(values)
            ci95 = interval(statistic, items.group, resamples, seed)
            value = value_of(statistic, len(values))
            metrics[f"{name}_{generator}"] = metric(value, ci95, 1 / classes)
        difference = paired_difference(heard, silent, items.group, resamples, seed)
        metrics[f"difference_{generator}"] = metric(difference.value, difference.ci95, 0.0)
    return Result(
        task=STUDY,
        dataset=dataset,
        split="test",
        protocol="classes in pairs exchange their sounds: which class does the drawing show, for the judge "
        f"'{judge}', the one that was heard or the one whose place it takes?",
        encoder="wavbrivl",
        n=sum(len(items.item) for items in tables.values()),
        coverage=coverage,
        seed=seed,
        metrics=metrics,
        intervals=method(resamples),
        classes=classes,
    )
