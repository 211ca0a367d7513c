"""How far numbers depend on the seed of what is trained for them, beside the 95 % interval."""

from pathlib import Path

from matplotlib.axes import Axes

from wavbrivl.evaluate.places import TRAINED
from wavbrivl.evaluate.result import Result
from wavbrivl.publish.cells import Results
from wavbrivl.publish.style import COLOURS, FAINT, INK, drawing

SHOWN = (
    ("esc50", "accuracy", "ESC-50, accuracy"),
    ("urbansound8k", "accuracy", "UrbanSound8K, accuracy"),
    ("vggsound", "map", "VGG-Sound, mAP"),
    ("vggsound_retrieval", "mrr_audio_to_image", "Sound to image, MRR"),
    ("desed", "segment_f1_macro", "DESED, segment F1"),
    ("clotho_captioning", "cider", "Clotho captions, CIDEr"),
    ("clotho_retrieval", "map_at_10_text_to_audio", "Clotho text to sound, mAP@10"),
)
"""Task, metric and title of each panel."""

ACROSS = 4
"""Panels side by side."""


def seed_plot(path: Path, results: Results) -> None:
    """Draw one panel a task, one line an encoder: its interval, a dot for each seed, chance dotted."""
    panels = [(title, metric, _of_task(results, task)) for task, metric, title in SHOWN]
    panels = [panel for panel in panels if panel[2]]
    rows = max((len(found) for _, _, found in panels), default=1)
    across = min(ACROSS, max(1, len(panels)))
    down = max(1, -(-len(panels) // across))
    with drawing(path, 3.4 * across + 1.2, (0.34 * rows + 1.3) * down) as figure:
        places = figure.subplots(down, across, squeeze=False).ravel()
        for axes, (title, metric, found) in zip(places, panels, strict=False):
            _draw(axes, title, metric, found)
        for axes in places[len(panels) :]:
            axes.set_visible(False)


def _of_task(results: Results, task: str) -> list[Result]:
    """Results of a task, the trained encoder last, so that it is drawn on top."""
    found = [result for (_, measured), result in results.items() if measured == task]
    return sorted(found, key=lambda result: (result.encoder == TRAINED, result.encoder))


def _draw(axes: Axes, title: str, metric: str, found: list[Result]) -> None:
    reached = 1.0
    for row, result in enumerate(found):
        measured = result.metrics[metric]
        if measured.ci95 is not None:
            axes.plot(measured.ci95, [row, row], color=FAINT, linewidth=5, alpha=0.5, solid_capstyle="butt")
        scores = (result.seeds or {}).get(metric)
        values = scores.values if scores else [measured.value]
        reached = max(reached, *values, measured.ci95[1] if measured.ci95 else 0.0)
        axes.plot(values, [row] * len(values), "o", color=COLOURS[0], markersize=4.5, alpha=0.75)
    chance = found[-1].metrics[metric].chance
    if chance is not None:
        axes.axvline(chance, color=INK, linewidth=1, linestyle=":")
    axes.set_yticks(range(len(found)), [result.encoder for result in found])
    axes.set_ylim(-0.6, len(found) - 0.4)
    axes.set_xlim(0, 1.02 * reached)
    axes.set_title(title)
