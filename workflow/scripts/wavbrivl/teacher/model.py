"""BriVL as a teacher: images and texts in, unit vectors out; and how any teacher's folder is read.

A folder holds `config.json` (which kind it is, and what was built) and `model.safetensors`; BriVL's also
`vocab.txt`, a hub's model its own files in `huggingface/`.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.errors import UserError
from wavbrivl.files import atomic, read_json, write_json, write_text
from wavbrivl.teacher.augment import looks_of
from wavbrivl.teacher.checkpoint import check_fit, checked_weights, outside_training
from wavbrivl.teacher.interface import FrozenTeacher, Precision, arithmetic, digest, stack
from wavbrivl.teacher.preprocess import normalise, resize_square, to_unit
from wavbrivl.teacher.text import Tokenizer, read_vocabulary
from wavbrivl.teacher.towers import Towers

logger = logging.getLogger("wavbrivl")
FORMAT = 1
KEPT = {"kind", "language", "embedding_dim", "image", "text"}
"""Keys of the configuration that describe the model itself; the others say how it is made or used."""


class Teacher:
    """Frozen towers with their preprocessing.

    Args:
        config: what was built.
        towers: the weights; they are put into evaluation mode.
        tokenizer: of the text tower.
        device: where the towers live.
        precision: arithmetic on a GPU.
    """

    def __init__(
        self, config: TeacherConfig, towers: Towers, tokenizer: Tokenizer, device: torch.device | str,
        precision: Precision = "float32",
    ):  # fmt: skip
        self.config = config
        self.towers = towers.to(device).eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.device = torch.device(device)
        self.precision = precision
        self.dim = config.embedding_dim
        self.language = config.language
        self.image_size = config.image.image_size

    @torch.no_grad()
    def embed_images(
        self,
        images: np.ndarray | Sequence[np.ndarray],
        batch_size: int = 64,
        boxes: np.ndarray | None = None,
        looks: Sequence[torch.Generator | None] | None = None,
    ) -> np.ndarray:
        """Embed pictures; each becomes a square of `image_size`, whatever its aspect ratio.

        Args:
            images: uint8 [n, h, w, 3] RGB, or a list of uint8 [h, w, 3] of any sizes.
            batch_size: images a forward pass; it does not change the result beyond rounding.
            boxes: float [n, N, 4] regions in pixels of that square (left, top, right, bottom), the
                whole image last; rows of zeros are ignored. Where absent, the regions of the
                configuration: the uniform grid, or the whole image.
            looks: for each image the generator of its augmentation, or None for the picture as it is.

        Returns:
            float32 [n, dim], unit norm.
        """
        rows = []
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            pixels = self._squares(images[part])
            if looks is not None:
                pixels = looks_of(pixels, looks[part])
            regions = None if boxes is None else torch.from_numpy(boxes[part])
            rows.append(self._embed(pixels, regions))
        return stack(rows, self.dim)

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str], batch_size: int = 64) -> np.ndarray:
        """Embed texts in the teacher's language: float32 [n, dim], unit norm."""
        rows = []
        for start in range(0, len(texts), batch_size):
            tokens, mask = self.tokenizer(texts[start : start + batch_size])
            embedded = self.towers.textencoder(tokens.to(self.device), mask.to(self.device))
            rows.append(functional.normalize(embedded.float(), dim=-1))
        return stack(rows, self.dim)

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """Embed float [B, 3, H, W] in [0, 1] on the teacher's device, with gradient: [B, dim], unit norm."""
        return self._embed(resize_square(pixels, self.image_size, self.config.image.antialias), None)

    def fingerprint(self) -> str:
        """sha256 over configuration, vocabulary and weights: equal for equal embeddings."""
        texts = [json.dumps(_description(self.config), sort_keys=True), "\n".join(self.tokenizer.tokens)]
        return digest([*texts, self._arithmetic], self.towers.state_dict())

    @property
    def _arithmetic(self) -> str:
        return self.precision if self.device.type == "cuda" else "float32"

    def _squares(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        size, antialias = self.image_size, self.config.image.antialias
        if isinstance(images, np.ndarray):
            return resize_square(to_unit(images, self.device), size, antialias)
        return torch.cat(
            [resize_square(to_unit(image[None], self.device), size, antialias) for image in images]
        )

    def _embed(self, pixels: Tensor, boxes: Tensor | None) -> Tensor:
        mask = None
        if boxes is not None:
            boxes = boxes.float().to(self.device)
            mask = (boxes != 0).any(dim=-1)
        pixels = normalise(pixels) if self.config.image.normalise else pixels
        with arithmetic(self.device, self.precision):
            embedded = self.towers.imgencoder(pixels, boxes, mask)
        return functional.normalize(embedded.float(), dim=-1)


def save_teacher(
    folder: Path, config: TeacherConfig, weights: dict[str, Tensor], vocabulary: list[str]
) -> None:
    """Write a teacher's folder; `config.json` comes last, so a folder with it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "vocab.txt", "\n".join(vocabulary) + "\n")
    contiguous = {key: value.detach().cpu().contiguous() for key, value in sorted(weights.items())}
    with atomic(folder / "model.safetensors") as temporary:
        save_file(contiguous, temporary)
    write_json(folder / "config.json", _description(config))


def load_teacher(
    folder: Path | str, device: torch.device | str = "cpu", precision: Precision = "float32"
) -> FrozenTeacher:
    """Read a teacher's folder, strictly; `kind` in its config.json says what it is.

    Raises:
        UserError: a file is missing or damaged, its keys or shapes do not fit, or its kind is not known.
    """
    folder = Path(folder)
    values = read_description(folder / "config.json")
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in LOADERS:
        raise UserError(f"{folder / 'config.json'}: kind {kind!r} is none of {', '.join(LOADERS)}")
    return LOADERS[kind](folder, values, device, precision)


def read_description(path: Path) -> dict[str, Any]:
    """The content of a teacher's config.json, without its format.

    Raises:
        UserError: it cannot be read, or is of another format.
    """
    try:
        values = read_json(path)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} cannot be read as a teacher's configuration ({error})") from None
    if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
        raise UserError(f"{path} is not a teacher's configuration of format {FORMAT}")
    return values


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        UserError: it is missing or not one.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} cannot be read as safetensors ({error})") from None


def _load_brivl(
    folder: Path, values: dict[str, Any], device: torch.device | str, precision: Precision
) -> Teacher:
    config = _configuration(values, folder / "config.json")
    tokenizer = Tokenizer(read_vocabulary(folder / "vocab.txt"), config.text.max_length)
    towers = Towers(config.image, config.text, config.embedding_dim, len(tokenizer))
    weights = read_weights(folder / "model.safetensors")
    check_fit(weights, towers, str(folder / "model.safetensors"))
    towers.load_state_dict(weights, strict=True)
    return Teacher(config, towers, tokenizer, device, precision)


def _load_huggingface(
    folder: Path, values: dict[str, Any], device: torch.device | str, precision: Precision
) -> FrozenTeacher:
    from wavbrivl.teacher.huggingface import load_hub_teacher  # the image processors take a second to import

    return load_hub_teacher(folder, values, device, precision)


LOADERS = {"brivl": _load_brivl, "huggingface": _load_huggingface}
"""By the kind in a teacher's config.json: from folder, description, device and precision to the teacher."""


def convert_checkpoint(config: TeacherConfig, out: Path) -> None:
    """Turn the configured released checkpoint into a teacher's folder, once.

    Raises:
        UserError: the checkpoint or vocabulary is missing, unsafe, or does not fit the configuration.
    """
    if warning := outside_training(config):
        logger.warning("%s", warning)
    weights, vocabulary = checked_weights(config)
    single = {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}
    save_teacher(Path(out), config, single, vocabulary)


def _description(config: TeacherConfig) -> dict[str, Any]:
    return {"format": FORMAT, **config.model_dump(mode="json", include=KEPT)}


def _configuration(values: dict[str, Any], path: Path) -> TeacherConfig:
    try:
        return TeacherConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: key '{key}': {first['msg']}") from None
