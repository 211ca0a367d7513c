"""The last words of a run in the terminal: the main numbers, and where everything lies."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from wavbrivl.evaluate.places import TRAINED
from wavbrivl.evaluate.result import Result
from wavbrivl.publish.cells import Results, collect
from wavbrivl.publish.tables import measured_text

MAIN = (
    ("esc50", "accuracy", "ESC-50, multi-class accuracy"),
    ("esc50_zeroshot", "accuracy", "ESC-50, zero-shot accuracy"),
    ("urbansound8k", "accuracy", "UrbanSound8K, accuracy"),
    ("urbansound8k_zeroshot", "accuracy", "UrbanSound8K, zero-shot"),
    ("vggsound", "map", "VGG-Sound, mAP"),
    ("vggsound_zeroshot", "map", "VGG-Sound, zero-shot mAP"),
    ("desed", "segment_f1_macro", "DESED, segment F1 (macro)"),
    ("vggsound_retrieval", "mrr_audio_to_image", "Sound to image, MRR"),
    ("vggsound_retrieval", "mrr_image_to_audio", "Image to sound, MRR"),
    ("clotho_captioning", "cider", "Clotho captions, CIDEr"),
    ("clotho_retrieval", "map_at_10_text_to_audio", "Clotho text to sound, mAP@10"),
)
"""Task, metric and words, in the order in which they are printed."""


def summary(run: str, metrics: Iterable[Path], places: dict[str, Path], main: Sequence = MAIN) -> str:
    """The closing summary.

    Args:
        run: name of the run.
        metrics: metrics files.
        places: what lies where, such as `tables` and `report`.
    """
    results = collect(metrics)
    blocks = [_block(results, task, metric, text) for task, metric, text in main]
    lines = [f"Run '{run}', measured (value [95 % interval]):", ""]
    lines += [line for block in blocks for line in block]
    width = max((len(name) for name in places), default=0)
    lines += ["", *(f"{name.ljust(width)}  {path}" for name, path in places.items())]
    return "\n".join(lines)


def numbers(metrics: Iterable[Path]) -> dict[str, dict[str, dict[str, float]]]:
    """Every measured value by task, encoder and metric, without intervals: what `dvc metrics` compares."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (encoder, task), result in sorted(collect(metrics).items()):
        found.setdefault(task, {})[encoder] = {name: m.value for name, m in result.metrics.items()}
    return found


def _block(results: Results, task: str, metric: str, text: str) -> list[str]:
    trained = results.get((TRAINED, task))
    if trained is None or metric not in trained.metrics:
        return []
    number = trained.metrics[metric]
    line = f"  {text:<30} {measured_text(number)}   {_scale(trained, metric)}"
    others = [
        f"{encoder} {result.metrics[metric].value:.3f}"
        for (encoder, measured), result in sorted(results.items())
        if measured == task and encoder != TRAINED and metric in result.metrics
    ]
    return [line, f"  {'':<30} beside it: {', '.join(others)}"] if others else [line]


def _scale(result: Result, name: str) -> str:
    """What the number has to be compared with, and what it stands on."""
    metric = result.metrics[name]
    parts = [f"n {result.n} of {result.coverage.expected}"]
    if metric.chance is not None:
        parts.insert(0, f"chance {metric.chance:.3f}")
    if metric.class_only is not None:
        parts.insert(1, f"class alone {metric.class_only:.3f}")
    return ", ".join(parts)
