"""All points of a grid search: validation by the value of each key."""

import json
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from wavbrivl.publish.style import COLOURS, FAINT, drawing, shortened
from wavbrivl.train.point import Outcome


def search_figure(path: Path, outcomes: Sequence[Outcome], chosen: Outcome) -> None:
    """One panel a key; its values from left to right, every point a dot, the chosen one marked."""
    keys = list(chosen.values)
    with drawing(path, 1.2 + 2.6 * len(keys), 3.4) as figure:
        panels = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
        for axes, key in zip(panels, keys, strict=True):
            _panel(axes, key, outcomes, chosen)
        panels[0].set_ylabel("validation MRR, mean of both directions")
        panels[0].set_ylim(0, 1.1 * chosen.mrr)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))


def _panel(axes: Axes, key: str, outcomes: Sequence[Outcome], chosen: Outcome) -> None:
    values = list(dict.fromkeys(json.dumps(outcome.values[key]) for outcome in outcomes))
    place = {value: i for i, value in enumerate(values)}
    scored = [o for o in outcomes if o.mrr is not None]
    lost = [o for o in outcomes if o.mrr is None]
    axes.set_title(shortened(key.split(".", 1)[1], 34))
    for group, marker, colour, label in (
        (scored, "o", COLOURS[0], "a point"),
        (lost, "x", FAINT, "diverged"),
        ([chosen], "D", COLOURS[1], "chosen"),
    ):
        if group:
            places = [place[json.dumps(outcome.values[key])] for outcome in group]
            axes.scatter(
                places, [o.mrr or 0 for o in group], marker=marker, color=colour, label=label, zorder=3
            )
    axes.set_xticks(range(len(values)), [shortened(value, 14) for value in values])
    axes.set_xlim(-0.5, len(values) - 0.5)
