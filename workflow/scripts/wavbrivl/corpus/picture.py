"""A frame as a square: cropped or squashed, scaled with antialiasing, encoded."""

import io

import numpy as np
from PIL import Image

SIZES = {360: "360.jpg", 64: "64.png"}
"""Stored squares: side in pixels and the member's extension."""


def squares(frame: np.ndarray, square: str, jpeg_quality: int) -> dict[str, bytes]:
    """Encode a frame [h, w, 3] uint8 as the stored squares.

    Args:
        square: `crop` (the centre square, as the paper does) or `squash` (BriVL's own resize).

    Returns:
        {"360.jpg": JPEG bytes, "64.png": PNG bytes}.
    """
    image = Image.fromarray(frame)
    box = _centre(image.size) if square == "crop" else None
    made = {side: image.resize((side, side), Image.Resampling.BICUBIC, box) for side in SIZES}
    return {"360.jpg": _encode(made[360], "JPEG", quality=jpeg_quality), "64.png": _encode(made[64], "PNG")}


def _centre(size: tuple[int, int]) -> tuple[int, int, int, int]:
    width, height = size
    side = min(size)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def _encode(image: Image.Image, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
