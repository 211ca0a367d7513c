"""What can be given as an image, as the teacher reads it."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from wavbrivl.errors import UserError


def as_list(images: Any) -> list[Any]:
    """One image or several, as a list: a path, a PIL image or an array [h, w, 3] is one image."""
    single = isinstance(images, (str, os.PathLike, Image.Image)) or getattr(images, "ndim", 0) == 3
    return [images] if single else list(images)


def pixels_of(image: Any) -> np.ndarray:
    """An image as uint8 [height, width, 3], RGB, turned upright as its EXIF data say.

    Args:
        image: a path, a PIL image, or an array uint8 [height, width, 3].

    Raises:
        UserError: an unreadable or absurdly large file, or an array of another shape or type.
    """
    if isinstance(image, (str, os.PathLike)):
        return _read(Path(image))
    if isinstance(image, Image.Image):
        return _rgb(image)
    values = np.asarray(image)
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[2] != 3 or not values.size:
        raise UserError(f"an image is uint8 [height, width, 3], not {values.dtype} {list(values.shape)}")
    return values


def _read(path: Path) -> np.ndarray:
    if path.is_dir():
        raise UserError(f"{path}: a folder, not an image")
    if not path.is_file():
        raise UserError(f"{path}: there is no such image")
    try:
        with Image.open(path) as image:
            return _rgb(image)
    except UnidentifiedImageError:
        raise UserError(f"{path}: not an image that can be read") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: not an image that can be read ({str(error).splitlines()[0]})") from None


def _rgb(image: Image.Image) -> np.ndarray:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16 bits: a plain conversion would cut them at 255
        values = np.asarray(upright, dtype=np.float64)
        upright = Image.fromarray((values / 257).round().clip(0, 255).astype(np.uint8))
    return np.array(upright.convert("RGB"))
