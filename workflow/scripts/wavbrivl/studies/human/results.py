"""Table 4 in numbers: shares of positive, negative and neither, by system and test."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from wavbrivl.evaluate.result import Coverage, Metric, Result, metric
from wavbrivl.studies.human.agreement import krippendorff_alpha, wilson
from wavbrivl.studies.human.answers import OUTCOMES, Outcome, Vote
from wavbrivl.studies.human.pairs import Question


@dataclass(frozen=True)
class SystemResult:
    """What was said about one system.

    Attributes:
        system: its name.
        n: answers.
        raters: who gave them.
        counts: answers by outcome.
        tests: counts of each test that has answers, by its number.
        alpha: agreement between raters on its questions, or None.
    """

    system: str
    n: int
    raters: int
    counts: Counter[Outcome]
    tests: dict[int, Counter[Outcome]]
    alpha: float | None

    def range_of(self, outcome: Outcome) -> tuple[float, float]:
        """The smallest and the largest share over the tests."""
        shares = [counts[outcome] / counts.total() for counts in self.tests.values()]
        return min(shares), max(shares)

    def interval_of(self, outcome: Outcome) -> tuple[float, float]:
        """Wilson's interval of the share over all answers."""
        return wilson(self.counts[outcome], self.n)


def by_system(votes: Sequence[Vote]) -> list[SystemResult]:
    """The votes of each system, in the order of their names."""
    systems = sorted({vote.question.system for vote in votes})
    return [_of_system(system, [v for v in votes if v.question.system == system]) for system in systems]


def human_result(
    votes: Sequence[Vote], questions: dict[str, Question], study: str, dataset: str, seed: int
) -> Result:
    """The metrics file `human_study`; there must be votes."""
    found = by_system(votes)
    raters = len({vote.rater for vote in votes})
    expected = raters * len(questions)
    metrics: dict[str, Metric] = {}
    for one in found:
        for outcome in OUTCOMES:
            metrics[f"{outcome}_{one.system}"] = metric(
                one.counts[outcome] / one.n, one.interval_of(outcome), None, reason="raters do not guess"
            )
    return Result(
        task="human_study",
        dataset=dataset,
        split="test",
        protocol="two drawings of one system, one from the sound that is heard and one from a sound of "
        "another class: positive, negative or neither",
        encoder="wavbrivl",
        n=len(votes),
        coverage=Coverage(expected=expected, found=len(votes), missing={"unanswered": expected - len(votes)}),
        seed=seed,
        metrics=metrics,
        intervals="Wilson's 95 % intervals over all answers, taken as independent",
        settings={
            "study": study,
            "raters": raters,
            "agreement": {one.system: one.alpha for one in found},
            "tests": {one.system: _shares(one) for one in found},
        },
    )


def _of_system(system: str, votes: list[Vote]) -> SystemResult:
    answers: dict[str, list[str]] = {}
    tests: dict[int, Counter[Outcome]] = {}
    for vote in votes:
        answers.setdefault(vote.question.name, []).append(vote.choice)
        tests.setdefault(vote.question.test, Counter())[vote.outcome] += 1
    return SystemResult(
        system=system,
        n=len(votes),
        raters=len({vote.rater for vote in votes}),
        counts=Counter(vote.outcome for vote in votes),
        tests=dict(sorted(tests.items())),
        alpha=krippendorff_alpha(list(answers.values())),
    )


def _shares(one: SystemResult) -> dict[str, dict[str, float]]:
    return {
        str(test): {outcome: round(counts[outcome] / counts.total(), 6) for outcome in OUTCOMES}
        for test, counts in one.tests.items()
    }
