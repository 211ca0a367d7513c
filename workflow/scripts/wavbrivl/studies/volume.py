"""Sound volume (the paper's Figure 3): what gain does to the embedding, to the score and to the drawing.

WavLM's first convolution has no bias and is normalised over time, so it hardly sees gain by construction;
the paper claims that volume is seen. This measures it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.intervals import interval, mean_of, method, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.ranking import unit
from wavbrivl.evaluate.result import Coverage, Metric, Result, metric
from wavbrivl.generate.conditions import Conditions
from wavbrivl.generate.drawings import Drawings
from wavbrivl.studies.rating import R_AT_1, video_of

STUDY = "volume"
_NO_CHANCE = "chance is not defined"


@dataclass(frozen=True)
class Gains:
    """Drawings of the same sounds at several gains.

    Attributes:
        gains: in dB, from low to high.
        items: clips, [n].
        rows: the row of each item at each gain, [n, gains].
    """

    gains: tuple[float, ...]
    items: list[str]
    rows: np.ndarray

    @property
    def original(self) -> int:
        """The column of 0 dB."""
        return self.gains.index(0.0)


def gain_of(variant: str) -> float:
    """The gain of a variant such as `gain=-20`, in dB.

    Raises:
        UserError: it is written otherwise.
    """
    name, _, value = variant.partition("=")
    try:
        if name == "gain":
            return float(value)
    except ValueError:
        pass
    raise UserError(f"volume: a drawing's variant must be a gain such as gain=-20, found {variant[:40]!r}")


def by_gain(items: Sequence[str], variants: Sequence[str]) -> Gains:
    """Sort rows by item and gain; an item that lacks a gain is left out.

    Raises:
        UserError: there is no 0 dB, or no item with all gains.
    """
    gains = tuple(sorted({gain_of(variant) for variant in variants}))
    if 0.0 not in gains:
        raise UserError("volume: there is no drawing at 0 dB to compare with")
    pairs = zip(items, map(gain_of, variants), strict=True)
    place = {pair: row for row, pair in enumerate(pairs)}
    whole = [name for name in dict.fromkeys(items) if all((name, gain) in place for gain in gains)]
    if not whole:
        raise UserError("volume: no sound was drawn at all gains")
    return Gains(gains, whole, np.array([[place[name, gain] for gain in gains] for name in whole]))


def cosines(conditions: Conditions) -> tuple[Gains, np.ndarray]:
    """Cosine of each sound's embedding at each gain to the one at 0 dB, [n, gains]."""
    assert conditions.vectors is not None
    gains = by_gain(conditions.items, conditions.variants)
    vectors = unit(conditions.vectors)[gains.rows]
    return gains, (vectors * vectors[:, [gains.original]]).sum(axis=2)


def changes(drawings: Drawings, gains: Gains) -> np.ndarray:
    """Mean absolute difference of each picture to the one at 0 dB, of 255, [n, gains]."""
    pictures = drawings.images[gains.rows].astype(np.float32)
    original = pictures[:, [gains.original]]
    return np.abs(pictures - original).mean(axis=(2, 3, 4)).astype(np.float64)


def volume_result(
    conditions: Conditions, drawings: Mapping[str, Drawings], judged: Mapping[str, Items], loudness: bool,
    dataset: str, coverage: Coverage, resamples: int, seed: int,
) -> Result:  # fmt: skip
    """The metrics file `volume`: for each gain, cosine, and for each generator score, R@1 and change.

    Args:
        conditions: of the study.
        drawings, judged: of the study, by generator, in the same order of rows.
        loudness: whether the encoder has its loudness feature.
    """
    gains, alike = cosines(conditions)
    metrics = _of_gains("cosine", gains, alike, 1.0, resamples, seed, "1 is no change")
    for generator, drawn in drawings.items():
        own = by_gain([row.item for row in drawn.rows], [row.variant for row in drawn.rows])
        scores = np.array([np.nan if row.score is None else row.score for row in drawn.rows])[own.rows]
        hits = judged[generator].scores[R_AT_1][own.rows]
        for name, values in (("score", scores), (R_AT_1, hits), ("change", changes(drawn, own))):
            metrics |= _of_gains(f"{name}_{generator}", own, values, None, resamples, seed, _NO_CHANCE)
    return Result(
        task=STUDY,
        dataset=dataset,
        split="test",
        protocol="the same sounds at several gains: cosine of g(audio) to the one at 0 dB, score of the "
        "drawing against the sound it was drawn from, R@1 by the judge, mean change of the picture (of 255)",
        encoder="wavbrivl",
        n=len(gains.items),
        coverage=coverage,
        seed=seed,
        metrics=metrics,
        intervals=method(resamples),
        settings={"gains_db": list(gains.gains), "loudness_feature": loudness},
    )


def gain_name(gain: float) -> str:
    """A gain as part of a metric's name: `minus_20_db`, `plus_10_db`, `0_db`."""
    sign = "minus_" if gain < 0 else "plus_" if gain > 0 else ""
    return f"{sign}{abs(gain):g}_db".replace(".", "_")


def _of_gains(
    name: str, gains: Gains, values: np.ndarray, chance: float | None, resamples: int, seed: int, reason: str
) -> dict[str, Metric]:
    groups = [video_of(item) for item in gains.items]
    found = {}
    for column, gain in enumerate(gains.gains):
        statistic = mean_of(values[:, column])
        value = value_of(statistic, len(values))
        ci95 = interval(statistic, groups, resamples, seed)
        found[f"{name}_{gain_name(gain)}"] = metric(value, ci95, chance, reason=reason)
    return found
