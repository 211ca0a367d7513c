"""Pictures of the embedded world: a function of class, size, rate, tone, time and generator.

`size` scales the object, `rate` is told by one to eight bars below it (the last one as high as
the fraction that is left) and by how fast everything moves, `tone` is the brightness of the sky.
"""

import colorsys

import cv2
import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.world.shapes import SHAPES, Patch

BARS = 8
_SHIFT = 4
_GROUND = 0.79
_BAR_TOP, _BAR_BOTTOM = 0.825, 0.93
_NIGHT, _GREY, _NOON = (10, 14, 40), (112, 130, 160), (214, 236, 252)
_GROUND_COLOUR = (34, 36, 40)
_BAR_COLOUR = (250, 244, 200)


class Scene:
    """One segment's picture; the generator decides what the parameters do not.

    Args:
        name: key of `classes.BY_NAME`.
        hue: of the class, in degrees; the scene's own hue lies up to 70 degrees away.
        size, rate, tone: the hidden parameters, each in [0, 1].
        width, height: of the frames; the scene fills the central square.

    Raises:
        UserError: there is no class of that name.
    """

    def __init__(
        self,
        name: str,
        hue: float,
        size: float,
        rate: float,
        tone: float,
        width: int,
        height: int,
        rng: np.random.Generator,
    ) -> None:
        if name not in SHAPES:
            raise UserError(f"the embedded world has no class '{name}'")
        self.patches = SHAPES[name]
        self.side = min(width, height)
        self.left, self.top = (width - self.side) // 2, (height - self.side) // 2
        self.radius = self.side * (0.16 + 0.205 * size)
        self.rate = rate
        self.cycles = 5.0**rate
        self.phase = rng.uniform()
        self.tilt = rng.uniform(-7, 7)
        self.centre = np.array([0.5 + rng.uniform(-0.04, 0.04), 0.405 + rng.uniform(-0.015, 0.015)])
        self.paints = _paints(hue + rng.uniform(-70, 70), rng)
        self.background = _background(tone, width, height, self.top + round(self.side * _GROUND), rng)

    def frame(self, seconds: float) -> np.ndarray:
        """The picture at a time since the segment began: uint8 [height, width, 3], RGB."""
        image = self.background.copy()
        beat = 2 * np.pi * (self.cycles * seconds + self.phase)
        self._draw_object(image, self.tilt + 5 * np.sin(beat))
        self._draw_bars(image, beat)
        return image

    def _draw_object(self, image: np.ndarray, degrees: float) -> None:
        angle = np.deg2rad(degrees)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * self.radius
        origin = self.centre * self.side + (self.left, self.top)
        outlines = [_fixed_point(patch.points @ turn + origin) for patch in self.patches]
        rim = max(2, round(self.side * 0.022))
        silhouette = [o for o, patch in zip(outlines, self.patches, strict=True) if patch.silhouette]
        cv2.polylines(image, silhouette, True, (255, 255, 255), rim, cv2.LINE_AA, _SHIFT)
        for outline, patch in zip(outlines, self.patches, strict=True):
            self._fill(image, outline, patch)

    def _fill(self, image: np.ndarray, outline: np.ndarray, patch: Patch) -> None:
        cv2.fillPoly(image, [outline], self.paints[patch.paint], cv2.LINE_AA, _SHIFT)

    def _draw_bars(self, image: np.ndarray, beat: float) -> None:
        count = 1 + (BARS - 1) * self.rate
        full = _BAR_BOTTOM - _BAR_TOP
        for i in range(int(np.ceil(count))):
            height = full * max(min(1.0, count - i), 0.12)
            hop = 0.012 * np.sin(beat - i * 1.6)
            x = (i + 0.5) / BARS * 0.92 + 0.04
            left, right = self._column(x - 0.037), self._column(x + 0.037)
            bottom = self.top + round(self.side * (_BAR_BOTTOM + 0.01 + hop))
            image[bottom - round(self.side * height) : bottom, left:right] = _BAR_COLOUR

    def _column(self, x: float) -> int:
        return self.left + round(self.side * x)


def _fixed_point(points: np.ndarray) -> np.ndarray:
    return np.round(points * 2**_SHIFT).astype(np.int32).reshape(-1, 1, 2)


def _paints(hue: float, rng: np.random.Generator) -> dict[str, tuple[int, int, int]]:
    saturation = rng.uniform(0.6, 0.95)
    return {
        "body": _rgb(hue, saturation, 0.78),
        "shade": _rgb(hue + 8, saturation, 0.5),
        "light": (248, 246, 236),
        "dark": (26, 24, 30),
    }


def _rgb(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    """A colour of limited brightness: yellow would vanish in the noon sky, once seen in grey."""
    colour = np.array(colorsys.hsv_to_rgb((hue / 360) % 1.0, saturation, value))
    colour *= min(1.0, 0.52 * value / float(colour @ (0.299, 0.587, 0.114)))
    red, green, blue = (round(255 * channel) for channel in colour)
    return red, green, blue


def _background(tone: float, width: int, height: int, horizon: int, rng: np.random.Generator) -> np.ndarray:
    """Sky from night to noon with a slight slope of brightness, and dark ground below `horizon`."""
    stops = np.array([_NIGHT, _GREY, _NOON], dtype=float)
    sky = np.array([np.interp(tone, [0, 0.5, 1], stops[:, c]) for c in range(3)])
    sky += rng.uniform(-8, 8, 3) * (0.3 + 0.7 * tone)
    slope = 1 + rng.uniform(-0.1, 0.1) * np.linspace(-1, 1, horizon)
    image = np.empty((height, width, 3), dtype=np.uint8)
    image[:horizon] = np.clip(slope[:, None] * sky, 0, 255).astype(np.uint8)[:, None, :]
    image[horizon:] = _GROUND_COLOUR
    return image
