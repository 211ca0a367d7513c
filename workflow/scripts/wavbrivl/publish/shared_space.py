"""Figures of the shared space: the images that a sound finds, and a map of both."""

import json
from pathlib import Path
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from sklearn.manifold import TSNE

from wavbrivl.errors import UserError
from wavbrivl.publish.style import COLOURS, FAINT, INK, bare, drawing, shortened, words

OWN = "#009E73"
_SHOWN_CLASSES = len(COLOURS)


class Clips(Protocol):
    """The part of `wavbrivl.shards.reader.MediaShards` that is drawn."""

    clips: list

    def audio(self, i: int, start: int = 0, length: int | None = None) -> np.ndarray:
        """float32 [samples], 16 kHz."""
        ...

    def image(self, i: int, size: int = 360, frame: int = 0) -> np.ndarray:
        """uint8 [size, size, 3]."""
        ...


def retrieval_picture(path: Path, details: Path, clips: Clips) -> None:
    """Draw, for each query of `evaluate.details.write_details`, its spectrogram beside the images it finds.

    The clip's own image has a green frame; a caption in grey is another class.

    Raises:
        UserError: where the file names a clip that the shards do not hold.
    """
    with np.load(details, allow_pickle=False) as arrays:
        content = json.loads(str(arrays["found"]))
    queries = content["queries"]
    place = {clip.clip_id: i for i, clip in enumerate(clips.clips)}
    _refuse_unknown(details, queries, place)
    columns = max(len(query["found"]) for query in queries)
    with drawing(path, 3.4 + 1.55 * columns, 1.75 * len(queries)) as figure:
        grid = figure.subplots(len(queries), columns + 1, squeeze=False, width_ratios=[2.1] + [1] * columns)
        for axes, query in zip(grid, queries, strict=True):
            _spectrogram(axes[0], clips.audio(place[query["clip_id"]]), query, content["gallery"])
            for image_axes, image in zip(axes[1:], query["found"], strict=True):
                _found_image(image_axes, clips.image(place[image["clip_id"]]), image, query["label"])
        for rank, axes in enumerate(grid[0][1:], start=1):
            axes.annotate(f"found {rank}", (0.5, 1.05), xycoords="axes fraction", ha="center", color=FAINT)
        grid[-1][0].set_xlabel("seconds", fontsize=7)
        figure.supxlabel(
            "green frame: the sound's own image; grey caption: an image of another class", fontsize=8
        )


def shared_space_map(path: Path, details: Path, seed: int) -> None:
    """Draw a t-SNE map (cosine) of sounds and images together, coloured by class."""
    with np.load(details, allow_pickle=False) as content:
        sounds, images, labels = content["sounds"], content["images"], content["labels"].astype(str)
    points = _tsne(np.concatenate([sounds, images]), seed)
    heard, seen = points[: len(sounds)], points[len(sounds) :]
    names, counts = np.unique(labels, return_counts=True)
    shown = [names[i] for i in np.argsort(-counts, kind="stable")[:_SHOWN_CLASSES]]
    with drawing(path, 8.6, 6.2) as figure:
        axes = figure.subplots()
        if len(sounds) <= 150:
            axes.plot(*np.stack([heard, seen]).transpose(2, 0, 1), color=FAINT, linewidth=0.5, alpha=0.45)
        for name, colour in zip([*shown, None], [*COLOURS[: len(shown)], "#D0D0D0"], strict=True):
            members = labels == name if name is not None else ~np.isin(labels, shown)
            axes.scatter(*seen[members].T, s=34, marker="s", color=colour, alpha=0.55, linewidth=0)
            axes.scatter(*heard[members].T, s=30, marker="o", color=colour, edgecolor="white", linewidth=0.6)
        bare(axes)
        axes.spines[:].set_visible(False)
        axes.set_title(f"Shared space, {len(sounds)} held-out clips: sounds (circles) and images (squares)")
        axes.legend(handles=_legend(sorted(shown), shown, len(sounds) <= 150), loc="center left",
                    bbox_to_anchor=(1.0, 0.5))  # fmt: skip


def spectrogram(waveform: np.ndarray, size: int = 512, hop: int = 160) -> np.ndarray:
    """Power in dB below the loudest bin, [size // 2 + 1, frames], Hann window."""
    padded = np.pad(waveform, (0, max(0, size - len(waveform))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, axis=1)).T ** 2
    return 10 * np.log10(np.maximum(power, 1e-10) / max(float(power.max()), 1e-10))


def _spectrogram(axes: Axes, waveform: np.ndarray, query: dict, gallery: int) -> None:
    seconds = len(waveform) / 16_000
    axes.imshow(
        spectrogram(waveform), origin="lower", aspect="auto", extent=(0, seconds, 0, 8),
        cmap="magma", vmin=-70, vmax=0, interpolation="nearest",
    )  # fmt: skip
    axes.grid(False)
    axes.set_yticks([0, 4, 8])
    axes.tick_params(labelsize=7, length=2)
    axes.set_ylabel("kHz", fontsize=7)
    axes.set_title(
        f"{shortened(query['label'], 24)}, own image at rank {query['rank']:g} of {gallery}", fontsize=8.5
    )


def _found_image(axes: Axes, image: np.ndarray, found: dict, label: str) -> None:
    axes.imshow(image)
    bare(axes)
    same = found["label"] == label
    axes.set_xlabel(shortened(found["label"], 25), fontsize=8, color=INK if same else FAINT, labelpad=3)
    for spine in axes.spines.values():
        spine.set_visible(found["own"])
        spine.set_edgecolor(OWN)
        spine.set_linewidth(3.5)


def _tsne(points: np.ndarray, seed: int) -> np.ndarray:
    """[n, 2]; the perplexity shrinks with small samples, as it must."""
    if len(points) < 6:
        raise UserError("a map of the shared space needs three clips or more")
    perplexity = min(30.0, (len(points) - 1) / 3)
    model = TSNE(metric="cosine", init="pca", perplexity=perplexity, random_state=seed, n_jobs=1)
    return model.fit_transform(points.astype(np.float32))


def _legend(names: list[str], shown: list[str], joined: bool) -> list[Line2D]:
    plain = {"linestyle": "", "color": INK, "markersize": 6}
    kinds = [
        Line2D([], [], marker="o", label="sound", **plain),
        Line2D([], [], marker="s", label="image", **plain),
    ]
    if joined:
        kinds.append(Line2D([], [], color=FAINT, linewidth=0.8, label="same clip"))
    return kinds + [
        Line2D([], [], linestyle="", marker="o", color=COLOURS[shown.index(name)], label=words(name))
        for name in names
    ]


def _refuse_unknown(details: Path, queries: list[dict], place: dict[str, int]) -> None:
    named = [query["clip_id"] for query in queries]
    named += [image["clip_id"] for query in queries for image in query["found"]]
    unknown = next((name for name in named if name not in place), None)
    if unknown is not None or not queries:
        raise UserError(f"{details}: the media shards do not hold the clip '{unknown}'")
