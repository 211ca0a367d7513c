"""Drawings judged: what each single picture scored, and the numbers of a whole set."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wavbrivl.corpus.clips import CLIP_ID
from wavbrivl.evaluate.intervals import (
    Difference,
    Statistic,
    interval,
    mean_of,
    paired_difference,
    value_of,
)
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.result import Metric, metric
from wavbrivl.generate.drawings import Drawings
from wavbrivl.studies.frames import HIDDEN, Truth, hidden_of
from wavbrivl.studies.hidden import difference_of, mean_of_statistics, within_class_correlation
from wavbrivl.studies.judgement import Judge, gray, hits, places_of

R_AT_1, R_AT_1_GRAY, R_AT_1_SOURCE = "r_at_1", "r_at_1_gray", "r_at_1_source"
PROBABILITY = "probability"
HIDDEN_MATCH = "hidden_correlation"

_TRUE = {name: f"true_{name}" for name in HIDDEN}
_READ = {name: f"read_{name}" for name in HIDDEN}
_NAME = re.compile(r"(.*)#(\d+)")


@dataclass(frozen=True)
class Comparison:
    """One set of drawings minus another, in one metric, on the same items."""

    generator: str
    first: str
    second: str
    metric: str
    difference: Difference
    n: int

    @property
    def above(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.difference.ci95 is not None and self.difference.ci95[0] > 0


def rate(drawings: Drawings, judge: Judge, truth: Truth) -> Items:
    """Judge a set of drawings by the class of the item whose place each takes.

    Items are named `<item>#<k>`, the k-th drawing of an item. Scores: `r_at_1`, the same on grey pictures,
    the probability of the class, and where the source is another clip, `r_at_1_source` by its class;
    hidden parameters as the judge reads them and as they are, where both are known.

    Raises:
        UserError: a class that the judge does not know.
    """
    rows = drawings.rows
    labels = [row.label for row in rows]
    seen = judge.judge(drawings.images)
    own = places_of(judge, labels)
    scores = {
        R_AT_1: hits(judge, seen, labels),
        R_AT_1_GRAY: hits(judge, judge.judge(gray(drawings.images)), labels),
        PROBABILITY: seen.probabilities[np.arange(len(own)), own],
    }
    if any(row.source_label not in ("", row.label) for row in rows):
        scores[R_AT_1_SOURCE] = hits(judge, seen, [row.source_label or row.label for row in rows])
    known = hidden_of([row.item for row in rows], truth)
    if seen.hidden is not None and not np.isnan(known).any():
        for i, name in enumerate(HIDDEN):
            scores |= {_READ[name]: seen.hidden[:, i], _TRUE[name]: known[:, i]}
    return Items(
        item=numbered([row.item for row in rows]),
        group=[video_of(row.item) for row in rows],
        label=labels,
        scores=scores,
        predicted=[judge.labels[i] for i in seen.probabilities.argmax(axis=1)],
    )


def numbered(items: Sequence[str]) -> list[str]:
    """Unique names of drawings: `<item>#<k>` for the k-th drawing of an item."""
    seen: Counter[str] = Counter()
    names = []
    for item in items:
        names.append(f"{item}#{seen[item]}")
        seen[item] += 1
    return names


def item_of(name: str) -> str:
    """The item of a drawing's name."""
    match = _NAME.fullmatch(name)
    return match[1] if match else name


def video_of(item: str) -> str:
    """The source recording of a clip id; anything else stands for itself."""
    match = CLIP_ID.fullmatch(item)
    return match[1] if match else item


def statistics_of(items: Items) -> dict[str, Statistic]:
    """Each metric of a set of drawings as a statistic of item weights."""
    shares = (R_AT_1, R_AT_1_GRAY, R_AT_1_SOURCE, PROBABILITY)
    found = {name: mean_of(items.scores[name]) for name in shares if name in items.scores}
    matches = {
        f"{name}_correlation": within_class_correlation(
            items.scores[_READ[name]], items.scores[_TRUE[name]], items.label
        )
        for name in HIDDEN
        if _READ[name] in items.scores
    }
    if matches:
        found |= matches | {HIDDEN_MATCH: mean_of_statistics(list(matches.values()))}
    return found


def metrics_of_items(items: Items, classes: int, resamples: int, seed: int) -> dict[str, Metric]:
    """The metrics of a set of drawings with intervals over recordings.

    Args:
        classes: that the judge chooses between: chance is one over their number, or no correlation.
    """
    found = {}
    for name, statistic in statistics_of(items).items():
        value = value_of(statistic, len(items.item))
        chance = 0.0 if name.endswith("correlation") else 1 / classes
        found[name] = metric(value, interval(statistic, items.group, resamples, seed), chance)
    return found


def compare_drawings(
    tables: Mapping[tuple[str, str], Items], pairs: Sequence[tuple[str, str]], resamples: int, seed: int
) -> list[Comparison]:
    """Paired differences between studies of each generator, on the drawings that both have.

    Args:
        tables: judged drawings by (generator, study).
        pairs: studies to compare, first minus second.
    """
    comparisons = []
    for generator in dict.fromkeys(generator for generator, _ in tables):
        for first, second in pairs:
            one, other = tables.get((generator, first)), tables.get((generator, second))
            if one is not None and other is not None:
                comparisons += _compare(generator, (first, one), (second, other), resamples, seed)
    return comparisons


def _compare(
    generator: str, first: tuple[str, Items], second: tuple[str, Items], resamples: int, seed: int
) -> list[Comparison]:
    common = [name for name in first[1].item if name in set(second[1].item)]
    if not common:
        return []
    one, other = taken(first[1], common), taken(second[1], common)
    found = []
    difference = paired_difference(one.scores[R_AT_1], other.scores[R_AT_1], one.group, resamples, seed)
    found.append(Comparison(generator, first[0], second[0], R_AT_1, difference, len(common)))
    statistics = [statistics_of(items).get(HIDDEN_MATCH) for items in (one, other)]
    if statistics[0] and statistics[1]:
        difference = difference_of(statistics[0], statistics[1], one.group, resamples, seed)
        found.append(Comparison(generator, first[0], second[0], HIDDEN_MATCH, difference, len(common)))
    return found


def taken(items: Items, names: Sequence[str]) -> Items:
    """Some of the items, in the order of `names`."""
    place = {name: i for i, name in enumerate(items.item)}
    rows = [place[name] for name in names]
    predicted = items.predicted
    return Items(
        item=list(names),
        group=[items.group[i] for i in rows],
        label=[items.label[i] for i in rows],
        scores={name: values[rows] for name, values in items.scores.items()},
        predicted=None if predicted is None else [predicted[i] for i in rows],
    )
