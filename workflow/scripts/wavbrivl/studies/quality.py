"""Can the judge be trusted? What it says of real frames that it never saw, in colour, grey and recoloured."""

import numpy as np
import torch

from wavbrivl.evaluate.intervals import interval, mean_of, method, value_of
from wavbrivl.evaluate.result import Coverage, Metric, Result, metric
from wavbrivl.studies.frames import HIDDEN, Frames
from wavbrivl.studies.hidden import within_class_correlation
from wavbrivl.studies.judgement import Judge, gray, hits
from wavbrivl.studies.network import as_pixels
from wavbrivl.studies.training import recoloured


def judge_quality(
    judge: Judge, held_out: Frames, coverage: Coverage, dataset: str, resamples: int, seed: int
) -> Result:
    """The metrics file `judge`.

    Args:
        held_out: real frames of the test split.
    """
    views = {
        "accuracy": held_out.images,
        "accuracy_gray": gray(held_out.images),
        "accuracy_recoloured": _recoloured(held_out.images, seed),
    }
    metrics: dict[str, Metric] = {}
    for name, images in views.items():
        statistic = mean_of(hits(judge, judge.judge(images), held_out.labels))
        ci95 = interval(statistic, held_out.video_ids, resamples, seed)
        metrics[name] = metric(value_of(statistic, len(held_out)), ci95, 1 / len(judge.labels))
    metrics |= _hidden(judge, held_out, resamples, seed)
    return Result(
        task="judge",
        dataset=dataset,
        split="test",
        protocol=f"the judge '{judge.name}' on real held-out frames: as they are, grey, and with hue, "
        "brightness and contrast changed at random; hidden parameters by their correlation within classes",
        encoder="judge",
        n=len(held_out),
        coverage=coverage,
        seed=seed,
        metrics=metrics,
        intervals=method(resamples),
        classes=len(judge.labels),
    )


def _hidden(judge: Judge, held_out: Frames, resamples: int, seed: int) -> dict[str, Metric]:
    read = judge.judge(held_out.images).hidden
    if read is None or np.isnan(held_out.hidden).any():
        return {}
    found = {}
    for i, name in enumerate(HIDDEN):
        statistic = within_class_correlation(read[:, i], held_out.hidden[:, i], held_out.labels)
        ci95 = interval(statistic, held_out.video_ids, resamples, seed)
        found[f"{name}_correlation"] = metric(value_of(statistic, len(held_out)), ci95, 0.0)
    return found


def _recoloured(images: np.ndarray, seed: int) -> np.ndarray:
    random = torch.Generator().manual_seed(seed)
    pixels = recoloured(as_pixels(images), 0.0, random)
    return (pixels * 255).round().byte().permute(0, 2, 3, 1).numpy()
