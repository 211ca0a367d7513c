"""Figures of the studies: drawings beside real frames, clips, texts, swapped sounds, volume, rounds."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from wavbrivl.evaluate.result import Result
from wavbrivl.generate.drawings import Drawings
from wavbrivl.publish.picture_grid import CELL, PictureRow, draw_block, picture_grid
from wavbrivl.publish.style import COLOURS, INK, drawing
from wavbrivl.studies.rounds import Course, signed
from wavbrivl.studies.volume import Gains, by_gain, gain_name

TITLES = {
    "dalle": "DALL·E",
    "diffusion": "diffusion",
    "latent": "latent",
    "wav2clip": "Wav2CLIP",
    "clip": "CLIP",
    "control": "no sound",
}
"""What systems are called in figures."""

Frame = Callable[[str], np.ndarray | None]
"""The real frame of a clip, or None."""

_PER_BLOCK = 9


def clips_figure(
    path: Path, clips: Sequence[tuple[str, str]], systems: Mapping[str, Drawings], frame: Frame, note: str
) -> None:
    """The paper's Figure 5: what each system drew from the sounds of some clips, below their real frames.

    Args:
        clips: (clip id, label).
        systems: drawings by system.
        note: which systems are absent, and why.
    """
    drawn = {name: _by_item(drawings) for name, drawings in systems.items()}
    blocks = []
    for first in range(0, len(clips), _PER_BLOCK):
        part = clips[first : first + _PER_BLOCK]
        rows = [PictureRow("real frame", [frame(clip) for clip, _ in part])]
        rows += [
            PictureRow(TITLES.get(name, name), [own.get(clip) for clip, _ in part])
            for name, own in drawn.items()
        ]
        blocks.append(([label for _, label in part], rows))
    picture_grid(path, blocks, f"Drawn from the sounds of {len(clips)} held-out clips", note)


def classes_figure(
    path: Path, sets: Mapping[str, Drawings], frame: Frame, title: str, each: int = 3, note: str = ""
) -> None:
    """A few drawings of every class beside the real frames that they should resemble, a block a system.

    Args:
        sets: drawings of clips by system.
        each: drawings of a class.
    """
    blocks = []
    for name, drawings in sets.items():
        members: dict[str, list[int]] = {}
        for i, row in enumerate(drawings.rows):
            members.setdefault(row.label, []).append(i)
        labels = sorted(members)
        rows = []
        for k in range(min(each, max(map(len, members.values())))):
            places = [members[label][k] if k < len(members[label]) else None for label in labels]
            real = [None if i is None else frame(drawings.rows[i].item) for i in places]
            drawn = [None if i is None else drawings.images[i] for i in places]
            rows += [PictureRow("real frame", real), PictureRow(TITLES.get(name, name), drawn)]
        blocks.append((labels, rows))
    picture_grid(path, blocks, title, note)


def text_figure(path: Path, systems: Mapping[str, Drawings], note: str) -> None:
    """The paper's Figure 2: what each system drew from the words for each class."""
    labels = sorted({row.label for drawings in systems.values() for row in drawings.rows})
    rows = []
    for name, drawings in systems.items():
        drawn = _by_item(drawings)
        rows.append(PictureRow(TITLES.get(name, name), [drawn.get(label) for label in labels]))
    picture_grid(
        path, [(labels, rows)], "Drawn from the classes' names, through the teacher's text tower", note
    )


def swap_figure(
    path: Path, own: Mapping[str, Drawings], swapped: Mapping[str, Drawings], result: Result
) -> None:
    """For each class one item: drawn from its own sound, and from the sound of the class it swapped with."""
    blocks = []
    for name, drawings in swapped.items():
        before = _by_item(own[name]) if name in own else {}
        firsts = {row.label: i for i, row in reversed(list(enumerate(drawings.rows)))}
        labels = sorted(firsts)
        chosen = [firsts[label] for label in labels]
        title = TITLES.get(name, name)
        rows = [
            PictureRow(f"{title},\nown sound", [before.get(drawings.rows[i].item) for i in chosen]),
            PictureRow(
                f"{title},\nswapped",
                [drawings.images[i] for i in chosen],
                [f"by: {drawings.rows[i].source_label}" for i in chosen],
            ),
        ]
        blocks.append((labels, rows))
    note = "The judge sees: " + "; ".join(_seen(name, result) for name in swapped)
    picture_grid(path, blocks, "Classes in pairs exchange their sounds", note)


def _seen(name: str, result: Result) -> str:
    heard, silent = (result.metrics[f"{which}_class_{name}"].value for which in ("heard", "silent"))
    return f"{TITLES.get(name, name)} {100 * heard:.0f} % the heard class, {100 * silent:.0f} % the other"


def volume_figure(path: Path, systems: Mapping[str, Drawings], result: Result, shown: int = 3) -> None:
    """The paper's Figure 3: images at several gains, with the embedding's cosine and the score."""
    drawn = [(name, drawings, _gains(drawings)) for name, drawings in systems.items()]
    gains = drawn[0][2].gains
    rows = [
        PictureRow(TITLES.get(name, name) if k == 0 else "", [drawings.images[i] for i in own.rows[k]])
        for name, drawings, own in drawn
        for k in range(min(shown, len(own.items)))
    ]
    heights = [CELL * len(rows) + 0.5, 2.4]
    with drawing(path, 2.0 + CELL * len(gains), sum(heights) + 0.4) as figure:
        top, bottom = figure.subfigures(2, 1, height_ratios=heights)
        draw_block(top, [f"{gain:+g} dB" for gain in gains], rows)
        left, right = bottom.subplots(1, 2)
        _gain_curve(left, gains, result, {"cosine": "g(audio)"}, "cosine to 0 dB")
        names = {f"score_{name}": TITLES.get(name, name) for name, *_ in drawn}
        _gain_curve(right, gains, result, names, "score")
        right.legend(fontsize=7)
        with_it = "with" if result.settings["loudness_feature"] else "without"
        figure.suptitle(
            f"The same sounds at several gains, {with_it} the loudness feature; n = {result.n}",
            x=0.01, ha="left", fontsize=11, fontweight="bold",
        )  # fmt: skip


def rounds_figure(path: Path, courses: Sequence[Course]) -> None:
    """The judge's and the guide's score of the accepted picture by round, beside best of as many at once."""
    with drawing(path, 3.5 * max(len(courses), 1) + 0.4, 3.3) as figure:
        if not courses:
            figure.text(0.5, 0.5, "No generator of this run draws in rounds.", ha="center")
            return
        grid = figure.subplots(1, len(courses), squeeze=False, sharey=True)[0]
        for axes, course in zip(grid, courses, strict=True):
            _course(axes, course)
        grid[0].set_ylabel("score of the picture that stands")
        grid[0].legend(fontsize=7, loc="best")


def _course(axes: Axes, course: Course) -> None:
    place = np.arange(1, len(course.guide) + 1)
    values = np.array([value for value, _ in course.probability])
    ends = np.array([ci95 or (value, value) for value, ci95 in course.probability])
    axes.errorbar(
        place, values, np.abs(ends.T - values), color=COLOURS[0], marker="o", capsize=3,
        label="judge: probability of the class",
    )  # fmt: skip
    axes.plot(place, course.guide, color=COLOURS[1], marker="s", label="guide: cosine")
    if course.best_of is not None:
        value, ci95 = course.best_of
        low, high = ci95 or (value, value)
        axes.axhspan(low, high, color=COLOURS[2], alpha=0.12, linewidth=0)
        axes.axhline(value, color=COLOURS[2], linestyle="--", label="judge: best of as many at once")
    axes.set_xticks(place)
    axes.set_xlabel("round")
    verdict = "rises" if course.rises else "does not rise"
    axes.set_title(
        f"{TITLES.get(course.generator, course.generator)}, {course.study}: {verdict}\n{signed(course.rise)}",
        fontsize=9,
    )


def _gain_curve(
    axes: Axes, gains: Sequence[float], result: Result, series: Mapping[str, str], label: str
) -> None:
    for (name, title), colour in zip(series.items(), COLOURS, strict=False):
        metrics = [result.metrics[f"{name}_{gain_name(gain)}"] for gain in gains]
        values = np.array([metric.value for metric in metrics])
        ends = np.array([metric.ci95 or (metric.value, metric.value) for metric in metrics])
        reach = np.abs(ends.T - values)
        axes.errorbar(gains, values, reach, color=colour, marker="o", capsize=3, label=title)
    axes.set_xlabel("gain, dB")
    axes.set_ylabel(label, color=INK)


def _gains(drawings: Drawings) -> Gains:
    return by_gain([row.item for row in drawings.rows], [row.variant for row in drawings.rows])


def _by_item(drawings: Drawings) -> dict[str, np.ndarray]:
    """The first drawing of each item."""
    found: dict[str, np.ndarray] = {}
    for image, row in zip(drawings.images, drawings.rows, strict=True):
        found.setdefault(row.item, image)
    return found
