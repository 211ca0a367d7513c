"""The metrics file of one task: `results/<run>/metrics/<task>.json`."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wavbrivl.errors import UserError
from wavbrivl.files import read_json, write_json

Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]


class Record(BaseModel):
    """A block of the metrics file: closed, unchangeable, without NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Metric(Record):
    """One number, its 95 % interval and what chance scores."""

    value: Finite
    ci95: tuple[Finite, Finite] | None
    """Lower and upper end; null only with a `reason`."""
    chance: Finite | None
    """What an encoder that knows nothing scores; null only with a `reason`."""
    class_only: Finite | None = None
    """What perfect knowledge of the class, and of nothing else, scores on the same gallery."""
    majority: Finite | None = None
    """What saying the most frequent class of everything scores. A constant answer scores its class's share
    of the items: on average over all labels that is `chance`, and never more than this."""
    reason: str | None = None
    """Why the interval or the chance value is absent."""

    @model_validator(mode="after")
    def _null_has_a_reason(self) -> "Metric":
        if self.ci95 is not None and self.ci95[0] > self.ci95[1]:
            raise ValueError(f"the interval {list(self.ci95)} ends before it begins")
        if (self.ci95 is None or self.chance is None) and not self.reason:
            raise ValueError("an interval or a chance value that is null needs a reason")
        return self


class Coverage(Record):
    """How many items the publisher's list has, how many were there, why the others were not."""

    expected: Annotated[int, Field(ge=0)]
    found: Annotated[int, Field(ge=0)]
    missing: dict[str, Annotated[int, Field(ge=0)]] = {}

    @model_validator(mode="after")
    def _adds_up(self) -> "Coverage":
        if self.found + sum(self.missing.values()) != self.expected:
            raise ValueError(
                f"found {self.found} and missing {self.missing} are not {self.expected} together"
            )
        return self


class FoldScores(Record):
    """One metric over the folds, in the order of the folds."""

    fold: list[int]
    n: list[int]
    values: list[Finite]
    mean: Finite
    spread: Finite | None
    """Standard deviation over the folds (n - 1); null for a single fold."""


class SeedScores(Record):
    """One metric over several seeds of what is trained for it; the first gave the metric's own value."""

    seed: list[int]
    values: list[Finite]
    mean: Finite
    spread: Finite | None
    """Standard deviation over the seeds (n - 1); null for a single seed."""


class Exclusion(Record):
    """An item that was left out, and why."""

    item: str
    cause: str


class Part(Record):
    """What there was of one part of the data, such as a training split; nothing is silently fewer."""

    coverage: Coverage
    exclusions: list[Exclusion] = []
    """Every item that coverage counts as missing, unless `listed_in` says where they are."""
    listed_in: str | None = None
    """The files that list them, where they are too many for this one (a corpus's ledgers)."""

    @model_validator(mode="after")
    def _all_are_listed(self) -> "Part":
        listed = Counter(exclusion.cause for exclusion in self.exclusions)
        if self.listed_in is None and listed != Counter(self.coverage.missing):
            raise ValueError(f"listed are {dict(listed)}, and missing are {self.coverage.missing}")
        return self


class Prompts(Record):
    """What the teacher's text tower was asked in a zero-shot evaluation."""

    language: str
    templates: list[str]
    labels: dict[str, str]
    """Each label and the words that stand for it."""


class Result(Record):
    """Everything that a reader of one measured number needs.

    The first nine keys are what tables, `dvc metrics diff` and other tools rely on.
    """

    task: Name
    dataset: str
    split: str
    protocol: str
    encoder: Name
    n: Annotated[int, Field(ge=1)]
    """Items that were scored."""
    coverage: Coverage
    seed: int
    metrics: dict[Name, Metric]
    intervals: str
    """The method behind every `ci95`."""
    classes: Annotated[int, Field(ge=1)] | None = None
    folds: dict[Name, FoldScores] | None = None
    seeds: dict[Name, SeedScores] | None = None
    gallery: Annotated[int, Field(ge=1)] | None = None
    """Size of the retrieval gallery."""
    prompts: Prompts | None = None
    exclusions: list[Exclusion] = []
    """Every item that coverage counts as missing."""
    parts: dict[str, Part] = {}
    """The same of what the number was learnt from or chosen on, by name."""
    settings: dict[str, Any] = {}
    """Further facts that decide the number, such as the learning rates that were chosen."""


def seed_scores(seeds: Sequence[int], values: Sequence[float]) -> SeedScores:
    """The values of one metric, one for each seed, their mean and their spread."""
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)) if len(values) > 1 else None
    return SeedScores(
        seed=list(seeds),
        values=[_rounded(value) for value in values],
        mean=_rounded(mean),
        spread=None if spread is None else _rounded(spread),
    )


def several_seeds(
    seeds: Sequence[int], values: Sequence[Mapping[str, float]]
) -> dict[str, SeedScores] | None:
    """Every metric of several seeds; None where there is one seed only.

    Args:
        values: of each seed, by metric.
    """
    if len(seeds) < 2:
        return None
    return {name: seed_scores(seeds, [of_seed[name] for of_seed in values]) for name in values[0]}


def coverage_of(expected: int, exclusions: Sequence[Exclusion]) -> Coverage:
    """Count the exclusions by cause."""
    missing: dict[str, int] = {}
    for exclusion in exclusions:
        missing[exclusion.cause] = missing.get(exclusion.cause, 0) + 1
    return Coverage(
        expected=expected, found=expected - len(exclusions), missing=dict(sorted(missing.items()))
    )


def part_of(expected: int, exclusions: Sequence[Exclusion]) -> Part:
    """A part with everything that was left out of it."""
    return Part(coverage=coverage_of(expected, exclusions), exclusions=list(exclusions))


def write_result(path: Path, result: Result) -> None:
    """Write one metrics file, whole or not at all; keys in a fixed order."""
    values = result.model_dump(mode="json", exclude={"metrics", "folds", "seeds"}, exclude_none=True)
    values["metrics"] = {name: _metric(metric) for name, metric in result.metrics.items()}
    for key, scores in (("folds", result.folds), ("seeds", result.seeds)):
        if scores:
            values[key] = {name: entry.model_dump(mode="json") for name, entry in scores.items()}
    order = [key for key in Result.model_fields if key in values]
    write_json(path, {key: values[key] for key in order})


def read_result(path: Path) -> Result:
    """Read and check one metrics file.

    Raises:
        UserError: naming the file and the key that is wrong.
    """
    try:
        return Result.model_validate(read_json(path))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such metrics file") from None
    except ValueError as error:
        raise UserError(f"{path}: not a metrics file: {_first(error)}") from None


def _metric(metric: Metric) -> dict[str, Any]:
    """`ci95` and `chance` are always there, even as null; the other keys only where they hold something."""
    values = metric.model_dump(mode="json")
    optional = ("class_only", "majority", "reason")
    return {key: value for key, value in values.items() if key not in optional or value is not None}


def _first(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    return f"key '{key}': {problem['msg'].removeprefix('Value error, ')}"


def metric(
    value: float,
    ci95: tuple[float, float] | None,
    chance: float | None,
    class_only: float | None = None,
    majority: float | None = None,
    reason: str | None = None,
) -> Metric:
    """A metric rounded to twelve digits, so that files do not differ in the last bit of a sum."""
    if ci95 is None and reason is None:
        reason = "no interval: all items come from one source recording"
    return Metric(
        value=_rounded(value),
        ci95=None if ci95 is None else (_rounded(ci95[0]), _rounded(ci95[1])),
        chance=None if chance is None else _rounded(chance),
        class_only=None if class_only is None else _rounded(class_only),
        majority=None if majority is None else _rounded(majority),
        reason=reason,
    )


def _rounded(value: float) -> float:
    value = float(value)
    return round(value, 12) if math.isfinite(value) else value
