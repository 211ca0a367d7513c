"""The numbers of Table 3: R@1 by a judge, and distances to real frames on features of a named network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.intervals import method
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.result import Coverage, Metric, Result, metric
from wavbrivl.generate.drawings import Drawings, Drawn
from wavbrivl.generate.study import STUDIES
from wavbrivl.progress import track
from wavbrivl.studies.extraction import Extracted, Extractor
from wavbrivl.studies.fid import frechet_distance, inception_score, kernel_distance
from wavbrivl.studies.folders import Key
from wavbrivl.studies.frames import Frames, Truth, at_side
from wavbrivl.studies.judgement import Judge
from wavbrivl.studies.rating import metrics_of_items, rate
from wavbrivl.studies.rounds import GUIDED
from wavbrivl.studies.sets import REAL, measured, task_of

DISTANCES = ("fid", "kid", "inception_score")
PAIRS = (
    ("test", "control"),
    ("test", "shuffled"),
    ("test", "unguided"),
    ("test", "best_of"),
    ("test", "unmapped"),
    ("guide_only", "control"),
)
"""Sets that are compared on the same items, first minus second."""


@dataclass(frozen=True)
class Bench:
    """What every set of drawings is measured with.

    Attributes:
        judge: says what a picture shows.
        extractors: the first one's numbers carry the plain names, the others' their own.
        reference: real held-out frames that drawings are compared with.
        truth: hidden parameters by clip, or empty.
        dataset, coverage: of the clips that the sounds come from.
        splits, resamples, seed: of the Inception Score, of the intervals, of both.
    """

    judge: Judge
    extractors: Sequence[Extractor]
    reference: Frames
    truth: Truth
    dataset: str
    coverage: Coverage
    splits: int
    resamples: int
    seed: int


def measure_drawings(drawings: Drawings, generator: str, study: str, bench: Bench) -> tuple[Result, Items]:
    """Measure one set of drawings; repeated drawings of an item give the spread of the distances.

    Raises:
        UserError: a class that the judge does not know, or fewer than two pictures.
    """
    items = rate(drawings, bench.judge, bench.truth)
    repeats = _repeats(items.item)
    sets = [drawings.images[rows] for rows in repeats]
    metrics = metrics_of_items(items, len(bench.judge.labels), bench.resamples, bench.seed)
    distances, spread = _distances(sets, bench)
    about = STUDIES[study].about
    settings = {"generator": generator, "study": about, "drawings_per_item": len(repeats), "spread": spread}
    return _result(task_of(generator, study), metrics | distances, items, settings, bench), items


def judge_all(
    sets: Mapping[Key, Drawings], bench: Bench
) -> tuple[list[Result], dict[Key, Items], dict[Key, Items]]:
    """Judge all sets of drawings.

    Returns:
        The metrics of the sets of Table 3; the judged drawings of all sets, by (study, generator); and
        what stood after each round of the guided ones, by (`<study>_<round>`, generator), from 1.
    """
    results: list[Result] = []
    judged: dict[Key, Items] = {}
    rounds: dict[Key, Items] = {}
    for (generator, study), drawings in track(sets.items(), "sets of drawings judged", total=len(sets)):
        if measured(study):
            result, judged[study, generator] = measure_drawings(drawings, generator, study, bench)
            results.append(result)
        else:
            judged[study, generator] = rate(drawings, bench.judge, bench.truth)
        if study in GUIDED and drawings.rounds is not None and len(drawings.rounds) > 1:
            for number, images in enumerate(drawings.rounds, start=1):
                stood = rate(Drawings(images, drawings.rows), bench.judge, bench.truth)
                rounds[f"{study}_{number}", generator] = stood
    return results, judged, rounds


def measure_real(held_out: Frames, bench: Bench) -> tuple[Result, Items]:
    """The ceiling: the reference frames judged as if they were drawn, and the distance from them to others.

    Args:
        held_out: real frames that are not of the reference and that nothing was trained on.
    """
    clips, labels = bench.reference.clip_ids, bench.reference.labels
    rows = [Drawn(clip, label, "image", bench.seed, None) for clip, label in zip(clips, labels, strict=True)]
    items = rate(Drawings(bench.reference.images, rows), bench.judge, bench.truth)
    metrics = metrics_of_items(items, len(bench.judge.labels), bench.resamples, bench.seed)
    distances, spread = _distances([held_out.images], bench)
    settings = {
        "study": f"real frames: judged is the reference, compared with it are {len(held_out)} others",
        "spread": spread,
    }
    return _result(task_of(REAL), metrics | distances, items, settings, bench), items


def _result(
    task: str, metrics: dict[str, Metric], items: Items, settings: Mapping[str, Any], bench: Bench
) -> Result:
    first, *others = [extractor.name for extractor in bench.extractors]
    return Result(
        task=task,
        dataset=bench.dataset,
        split="test",
        protocol=f"R@1: the class of the item comes first among {len(bench.judge.labels)} for the judge "
        f"'{bench.judge.name}', which guided nothing; FID, KID, Inception Score on features of '{first}' "
        f"against {len(bench.reference)} real held-out frames",
        encoder="wavbrivl",
        n=len(items.item),
        coverage=bench.coverage,
        seed=bench.seed,
        metrics=metrics,
        intervals=f"{method(bench.resamples)}; distances have a spread over drawings instead",
        classes=len(bench.judge.labels),
        settings={
            "judge": bench.judge.name,
            "extractor": first,
            "further_extractors": others,
            "reference_frames": len(bench.reference),
            "inception_score_splits": bench.splits,
            **settings,
        },
    )


def _repeats(names: Sequence[str]) -> list[np.ndarray]:
    """Rows of the first drawing of every item, of the second, ..."""
    number = np.array([int(name.rsplit("#", 1)[1]) for name in names])
    return [np.flatnonzero(number == k) for k in range(number.max() + 1)]


def _distances(
    sets: Sequence[np.ndarray], bench: Bench
) -> tuple[dict[str, Metric], dict[str, dict[str, Any]]]:
    """FID, KID and Inception Score of each extractor: the mean over sets, and their spread."""
    if min(len(images) for images in sets) < 2:
        raise UserError("FID needs two drawings or more of each seed")
    metrics: dict[str, Metric] = {}
    spread: dict[str, dict[str, Any]] = {}
    side = sets[0].shape[1]
    for place, extractor in enumerate(bench.extractors):
        reference = extractor.extract(at_side(bench.reference.images, side))
        found = [_numbers(extractor.extract(images), reference, bench) for images in sets]
        for name in DISTANCES:
            values = [numbers[name] for numbers in found]
            key = name if place == 0 else f"{name}_{extractor.name.replace('-', '_')}"
            metrics[key] = metric(float(np.mean(values)), None, None, reason=_reason(len(values)))
            deviation = round(float(np.std(values, ddof=1)), 12) if len(values) > 1 else None
            spread[key] = {"values": [round(value, 12) for value in values], "deviation": deviation}
    return metrics, spread


def _numbers(drawn: Extracted, reference: Extracted, bench: Bench) -> dict[str, float]:
    return {
        "fid": frechet_distance(drawn.features, reference.features),
        "kid": kernel_distance(drawn.features, reference.features),
        "inception_score": inception_score(drawn.logits, bench.splits, bench.seed),
    }


def _reason(sets: int) -> str:
    if sets == 1:
        return "a number of the whole set, of one drawing of each sound; chance is not defined"
    return (
        f"a number of the whole set; its spread over {sets} drawings stands in settings; no chance is defined"
    )
