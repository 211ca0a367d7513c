"""Does guiding help beyond choosing? The judge's score of the accepted picture by round, at equal cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wavbrivl.evaluate.intervals import Difference, interval, mean_of, paired_difference, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.studies.folders import Key
from wavbrivl.studies.rating import PROBABILITY, R_AT_1, taken

BEST_OF = "best_of"
GUIDED = ("test", "guide_only")
"""Studies whose drawings come about in rounds that may be compared with best-of."""


@dataclass(frozen=True)
class Course:
    """How a generator's accepted pictures fared from round to round.

    Attributes:
        generator, study: whose, and drawn how.
        guide: the guide's mean score after each round, [rounds].
        probability: the judge's probability of the class after each round: value and interval, [rounds].
        r_at_1: the judge's R@1 after each round, [rounds].
        rise: the judge's probability in the last round minus the first, paired.
        best_of: the same for best of all candidates at once, or None.
        over_best_of: the last round minus best-of, paired, or None.
        n: drawings.
    """

    generator: str
    study: str
    guide: list[float]
    probability: list[tuple[float, tuple[float, float] | None]]
    r_at_1: list[float]
    rise: Difference
    best_of: tuple[float, tuple[float, float] | None] | None
    over_best_of: Difference | None
    n: int

    @property
    def rises(self) -> bool:
        """Whether the whole interval of the rise lies above zero."""
        return self.rise.ci95 is not None and self.rise.ci95[0] > 0

    @property
    def says(self) -> str:
        """One sentence for the report."""
        text = f"{self.generator}, {self.study}: the judge's score "
        verdict = "rises" if self.rises else "does not rise beyond its interval"
        text += f"{verdict} from the first to the last round ({signed(self.rise)}, n {self.n})"
        if self.over_best_of is not None:
            text += f"; the last round minus best of as many at once: {signed(self.over_best_of)}"
        return text


def course_of(
    generator: str, study: str, judged: Sequence[Items], guide: np.ndarray, best_of: Items | None,
    resamples: int, seed: int,
) -> Course:  # fmt: skip
    """Follow the accepted pictures.

    Args:
        judged: the pictures after each round, judged, in the same order of rows.
        guide: the guide's score of them, [rounds, n].
        best_of: judged drawings of the study `best_of`, on the same items.
    """
    scores = [items.scores[PROBABILITY] for items in judged]
    groups = judged[0].group
    rise = paired_difference(scores[-1], scores[0], groups, resamples, seed)
    common = [name for name in judged[-1].item if best_of is not None and name in set(best_of.item)]
    over = None
    if best_of is not None and common:
        last, other = taken(judged[-1], common), taken(best_of, common)
        over = paired_difference(
            last.scores[PROBABILITY], other.scores[PROBABILITY], last.group, resamples, seed
        )
    return Course(
        generator=generator,
        study=study,
        guide=[float(value) for value in guide.mean(axis=1)],
        probability=[_mean(values, groups, resamples, seed) for values in scores],
        r_at_1=[float(items.scores[R_AT_1].mean()) for items in judged],
        rise=rise,
        best_of=None
        if best_of is None
        else _mean(best_of.scores[PROBABILITY], best_of.group, resamples, seed),
        over_best_of=over,
        n=len(scores[0]),
    )


def courses_of(
    judged: Mapping[Key, Items],
    rounds: Mapping[Key, Items],
    traces: Mapping[Key, Mapping[str, Any]],
    resamples: int,
    seed: int,
) -> list[Course]:
    """A course for each generator and guided study that has rounds.

    Args:
        judged: judged drawings by (study, generator).
        rounds: what stood after each round, by (`<study>_<round>`, generator).
        traces: by (generator, study).
    """
    courses = []
    for study in GUIDED:
        for generator in dict.fromkeys(name for _, name in rounds):
            names = [name for name, one in rounds if one == generator and _study_of(name) == study]
            found = [rounds[name, generator] for name in names]
            if found:
                guide = guide_scores(traces[generator, study])
                best_of = judged.get((BEST_OF, generator)) if study == "test" else None
                courses.append(course_of(generator, study, found, guide, best_of, resamples, seed))
    return courses


def _study_of(name: str) -> str:
    """The study of a round such as `guide_only_2`."""
    return name.rsplit("_", 1)[0]


def guide_scores(trace: Mapping[str, Any]) -> np.ndarray:
    """The guide's score of the picture that stood after each round, [rounds, n], from a trace."""
    items = [item for run in trace["drawings"] for item in run["items"]]
    rows = [[max(entry["scores"]) for entry in item["rounds"]] for item in items]
    return np.maximum.accumulate(np.array(rows, dtype=np.float64).T, axis=0)


def as_json(courses: Sequence[Course]) -> dict[str, Any]:
    """What goes into `rounds.json`."""
    return {
        "courses": [
            {
                "generator": course.generator,
                "study": course.study,
                "n": course.n,
                "guide": [round(value, 6) for value in course.guide],
                "judge_probability": [_pair(one) for one in course.probability],
                "judge_r_at_1": [round(value, 6) for value in course.r_at_1],
                "rise": _difference(course.rise),
                "rises": course.rises,
                "best_of": None if course.best_of is None else _pair(course.best_of),
                "over_best_of": None if course.over_best_of is None else _difference(course.over_best_of),
                "says": course.says,
            }
            for course in courses
        ]
    }


def signed(difference: Difference) -> str:
    """A difference with its sign and interval."""
    text = f"{difference.value:+.3f}"
    if difference.ci95 is None:
        return text
    return f"{text} [{difference.ci95[0]:+.3f}, {difference.ci95[1]:+.3f}]"


def _mean(
    values: np.ndarray, groups: Sequence[str], resamples: int, seed: int
) -> tuple[float, tuple[float, float] | None]:
    statistic = mean_of(values)
    return value_of(statistic, len(values)), interval(statistic, groups, resamples, seed)


def _pair(one: tuple[float, tuple[float, float] | None]) -> dict[str, Any]:
    value, ci95 = one
    return {"value": round(value, 6), "ci95": None if ci95 is None else [round(end, 6) for end in ci95]}


def _difference(difference: Difference) -> dict[str, Any]:
    return _pair((difference.value, difference.ci95))
