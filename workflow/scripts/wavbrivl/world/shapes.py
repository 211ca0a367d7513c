"""Outlines of the ten objects: polygons in a unit square, y downwards, drawn in order.

Each object has a silhouette of its own, so that it is told apart at 64 x 64 in grey.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Patch:
    """A filled polygon [n, 2] in [-1, 1]; `paint` is body, shade, light or dark.

    Patches of the silhouette are drawn with a white rim first, so that the object stands out
    from a background of any brightness.
    """

    points: np.ndarray
    paint: str
    silhouette: bool = False


def _polygon(paint: str, *points: tuple[float, float], silhouette: bool = False) -> Patch:
    return Patch(np.array(points, dtype=float), paint, silhouette)


def _oval(
    paint: str,
    x: float,
    y: float,
    rx: float,
    ry: float | None = None,
    silhouette: bool = False,
    corners: int = 28,
) -> Patch:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    points = np.stack([x + rx * np.cos(angle), y + (ry or rx) * np.sin(angle)], axis=1)
    return Patch(points, paint, silhouette)


def _stroke(
    paint: str, a: tuple[float, float], b: tuple[float, float], width: float, silhouette: bool = False
) -> Patch:
    start, end = np.array(a), np.array(b)
    along = (end - start) / np.linalg.norm(end - start)
    side = np.array([-along[1], along[0]]) * width / 2
    return Patch(np.stack([start + side, end + side, end - side, start - side]), paint, silhouette)


def _mirrored(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return points + [(-x, y) for x, y in reversed(points)]


def _bell() -> list[Patch]:
    dome = [(0.0, -0.78), (0.22, -0.74), (0.38, -0.58), (0.45, -0.3)]
    half = [*dome, (0.5, 0.05), (0.6, 0.32), (0.9, 0.58), (0.9, 0.7)]
    return [
        _oval("body", 0, -0.82, 0.17, silhouette=True),
        _oval("shade", 0, 0.74, 0.24, silhouette=True),
        _polygon("body", *_mirrored(half), silhouette=True),
        _polygon("shade", (-0.66, 0.38), (0.66, 0.38), (0.9, 0.58), (-0.9, 0.58)),
        _polygon("light", (-0.3, -0.5), (-0.18, -0.58), (-0.26, 0.1), (-0.4, 0.1)),
    ]


def _balloon() -> list[Patch]:
    string = [(0.0, 0.42), (0.12, 0.58), (-0.1, 0.74), (0.1, 0.9), (0.0, 1.02)]
    strokes = [_stroke("shade", a, b, 0.12, silhouette=True) for a, b in pairwise(string)]
    return [
        *strokes,
        _polygon("shade", (0, 0.26), (0.2, 0.5), (-0.2, 0.5), silhouette=True),
        _oval("body", 0, -0.33, 0.6, 0.67, silhouette=True),
        _oval("light", -0.26, -0.58, 0.1, 0.2),
    ]


def _rocket() -> list[Patch]:
    hull = [(0.0, -1.0), (0.14, -0.8), (0.25, -0.5), (0.28, -0.1), (0.25, 0.45)]
    return [
        _polygon("body", (-0.2, 0.5), (0.2, 0.5), (0.12, 0.78), (0.0, 1.02), (-0.12, 0.78), silhouette=True),
        _polygon("shade", (0.2, 0.0), (0.66, 0.5), (0.66, 0.8), (0.2, 0.48), silhouette=True),
        _polygon("shade", (-0.2, 0.0), (-0.66, 0.5), (-0.66, 0.8), (-0.2, 0.48), silhouette=True),
        _polygon("body", *_mirrored(hull), silhouette=True),
        _polygon("dark", *_mirrored([(0.0, -1.0), (0.14, -0.8), (0.22, -0.6)])),
        _oval("light", 0, -0.26, 0.14),
    ]


def _drop() -> list[Patch]:
    angle = np.linspace(-0.18 * np.pi, 1.18 * np.pi, 30)
    belly = [(0.64 * np.cos(a), 0.32 + 0.64 * np.sin(a)) for a in angle]
    return [
        _polygon("body", *belly, (-0.22, -0.5), (0.0, -1.0), (0.22, -0.5), silhouette=True),
        _polygon("light", (-0.5, 0.2), (-0.3, 0.2), (-0.24, 0.5), (0.02, 0.66), (-0.04, 0.82), (-0.38, 0.66)),
    ]


def _ball() -> list[Patch]:
    def sector(a: float, b: float, paint: str) -> Patch:
        angle = np.linspace(a, b, 10)
        arc = [(0.85 * np.cos(t), 0.85 * np.sin(t)) for t in angle]
        return _polygon(paint, (0.0, 0.0), *arc)

    third = np.pi / 3
    paints = ("light", "body", "light", "body", "light", "body")
    sectors = [sector(i * third + 0.26, (i + 1) * third + 0.26, paint) for i, paint in enumerate(paints)]
    return [_oval("body", 0, 0, 0.85, silhouette=True), *sectors, _oval("dark", 0, 0, 0.17)]


def _wheel() -> list[Patch]:
    ends = [(0.7 * np.cos(a), 0.7 * np.sin(a)) for a in np.arange(4) * np.pi / 4]
    spokes = [_stroke("dark", (-x, -y), (x, y), 0.1) for x, y in ends]
    teeth = [
        _oval("dark", 0.86 * np.cos(a), 0.86 * np.sin(a), 0.14, silhouette=True, corners=8)
        for a in np.arange(12) * np.pi / 6
    ]
    return [
        *teeth,
        _oval("dark", 0, 0, 0.86, silhouette=True),
        _oval("light", 0, 0, 0.62),
        *spokes,
        _oval("body", 0, 0, 0.26),
    ]


def _bird() -> list[Patch]:
    return [
        _polygon("shade", (-0.45, 0.1), (-1.02, -0.12), (-0.95, 0.16), (-1.02, 0.4), silhouette=True),
        _polygon("shade", (0.74, -0.2), (1.05, -0.04), (0.72, 0.06), silhouette=True),
        _oval("body", -0.02, 0.22, 0.58, 0.36, silhouette=True),
        _oval("body", 0.55, -0.1, 0.3, silhouette=True),
        _polygon(
            "shade", (0.22, 0.16), (0.1, -0.5), (-0.3, -0.98), (-0.42, -0.55), (-0.36, 0.16), silhouette=True
        ),
        _stroke("dark", (-0.1, 0.52), (-0.16, 0.86), 0.08, silhouette=True),
        _stroke("dark", (0.14, 0.52), (0.1, 0.86), 0.08, silhouette=True),
        _oval("dark", 0.62, -0.16, 0.08, corners=12),
    ]


def _cloud() -> list[Patch]:
    puffs = [(-0.58, -0.05, 0.34), (-0.16, -0.36, 0.46), (0.36, -0.26, 0.4), (0.68, 0.0, 0.29)]
    rain = [
        _stroke("shade", (x, 0.36 + shift), (x - 0.2, 0.84 + shift), 0.14, silhouette=True)
        for x, shift in ((-0.5, 0.0), (-0.1, 0.14), (0.3, 0.0), (0.7, 0.14))
    ]
    return [
        *rain,
        *[_oval("body", x, y, r, silhouette=True) for x, y, r in puffs],
        _polygon("body", (-0.6, 0.0), (0.7, 0.0), (0.7, 0.29), (-0.6, 0.29), silhouette=True),
        _polygon("shade", (-0.8, 0.13), (0.9, 0.13), (0.7, 0.29), (-0.6, 0.29)),
    ]


def _car() -> list[Patch]:
    roof = [(-0.62, -0.05), (-0.42, -0.52), (0.28, -0.52), (0.58, -0.05)]
    tyres = [_oval("dark", x, 0.4, 0.25, silhouette=True) for x in (-0.52, 0.54)]
    hubs = [_oval("light", x, 0.4, 0.11) for x in (-0.52, 0.54)]
    return [
        _polygon("body", *roof, silhouette=True),
        _polygon(
            "body", (-1.0, -0.08), (0.8, -0.08), (1.0, 0.06), (1.0, 0.38), (-1.0, 0.38), silhouette=True
        ),
        *tyres,
        *hubs,
        _polygon("light", (-0.45, -0.08), (-0.34, -0.4), (-0.12, -0.4), (-0.12, -0.08)),
        _polygon("light", (0.0, -0.08), (0.0, -0.4), (0.22, -0.4), (0.42, -0.08)),
    ]


def _clock() -> list[Patch]:
    case = [(-0.72, -0.6), (0.72, -0.6), (0.72, 0.72), (-0.72, 0.72)]
    return [
        _oval("shade", -0.42, -0.68, 0.26, silhouette=True),
        _oval("shade", 0.42, -0.68, 0.26, silhouette=True),
        _stroke("dark", (-0.5, 0.66), (-0.62, 0.98), 0.2, silhouette=True),
        _stroke("dark", (0.5, 0.66), (0.62, 0.98), 0.2, silhouette=True),
        _polygon("body", *case, silhouette=True),
        _polygon("light", (-0.52, -0.4), (0.52, -0.4), (0.52, 0.52), (-0.52, 0.52)),
        _stroke("dark", (0.0, 0.12), (0.0, -0.32), 0.13),
        _stroke("dark", (-0.06, 0.06), (0.4, 0.06), 0.13),
    ]


SHAPES: dict[str, list[Patch]] = {
    "bell": _bell(),
    "balloon": _balloon(),
    "rocket": _rocket(),
    "drop": _drop(),
    "ball": _ball(),
    "wheel": _wheel(),
    "bird": _bird(),
    "cloud": _cloud(),
    "car": _car(),
    "clock": _clock(),
}
