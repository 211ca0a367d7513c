"""The teacher as the rest of the pipeline sees it: images and texts in, unit vectors out.

Its folder holds `config.json` (towers), `model.safetensors` (released key names) and `vocab.txt`.
"""

import hashlib
import json
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

from wavbrivl.config.models import TeacherConfig
from wavbrivl.errors import UserError
from wavbrivl.files import atomic, read_json, write_json, write_text
from wavbrivl.teacher.checkpoint import check_fit, checked_weights
from wavbrivl.teacher.preprocess import normalise, resize_square, to_unit
from wavbrivl.teacher.text import Tokenizer, read_vocabulary
from wavbrivl.teacher.towers import Towers

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
    """

    def __init__(
        self, config: TeacherConfig, towers: Towers, tokenizer: Tokenizer, device: torch.device | str
    ):
        self.config = config
        self.towers = towers.to(device).eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.device = torch.device(device)
        self.dim = config.embedding_dim
        self.language = config.language
        self.image_size = config.image.image_size

    @torch.no_grad()
    def embed_images(
        self, images: np.ndarray | Sequence[np.ndarray], batch_size: int = 64, boxes: np.ndarray | None = None
    ) -> np.ndarray:
        """Embed pictures; each becomes a square of `image_size`, whatever its aspect ratio.

        Args:
            images: uint8 [n, h, w, 3] RGB, or a list of uint8 [h, w, 3] of any sizes.
            batch_size: images a forward pass; it does not change the result beyond rounding.
            boxes: float [n, N, 4] regions in pixels of that square (left, top, right, bottom), the
                whole image last; rows of zeros are ignored. The uniform grid where absent.

        Returns:
            float32 [n, dim], unit norm.
        """
        rows = []
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            regions = None if boxes is None else torch.from_numpy(boxes[start : start + batch_size])
            rows.append(self._embed_pixels(self._pixels(batch), regions))
        return _stack(rows, self.dim)

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str], batch_size: int = 64) -> np.ndarray:
        """Embed texts in the teacher's language: float32 [n, dim], unit norm."""
        rows = []
        for start in range(0, len(texts), batch_size):
            tokens, mask = self.tokenizer(texts[start : start + batch_size])
            embedded = self.towers.textencoder(tokens.to(self.device), mask.to(self.device))
            rows.append(functional.normalize(embedded.float(), dim=-1))
        return _stack(rows, self.dim)

    def fingerprint(self) -> str:
        """sha256 over configuration, vocabulary and weights: equal for equal embeddings."""
        digest = hashlib.sha256(json.dumps(_description(self.config), sort_keys=True).encode())
        digest.update("\n".join(self.tokenizer.tokens).encode())
        for key, value in sorted(self.towers.state_dict().items()):
            digest.update(key.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _pixels(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        size, antialias = self.image_size, self.config.image.antialias
        if isinstance(images, np.ndarray):
            return normalise(resize_square(to_unit(images, self.device), size, antialias))
        squares = [resize_square(to_unit(image[None], self.device), size, antialias) for image in images]
        return normalise(torch.cat(squares))

    def _embed_pixels(self, pixels: Tensor, boxes: Tensor | None) -> Tensor:
        mask = None
        if boxes is not None:
            boxes = boxes.float().to(self.device)
            mask = (boxes != 0).any(dim=-1)
        return functional.normalize(self.towers.imgencoder(pixels, boxes, mask).float(), dim=-1)


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


def load_teacher(folder: Path | str, device: torch.device | str = "cpu") -> Teacher:
    """Read a teacher's folder, strictly.

    Raises:
        UserError: a file is missing or damaged, or its keys or shapes do not fit.
    """
    folder = Path(folder)
    config = _read_description(folder / "config.json")
    tokenizer = Tokenizer(read_vocabulary(folder / "vocab.txt"), config.text.max_length)
    towers = Towers(config.image, config.text, config.embedding_dim, len(tokenizer))
    path = folder / "model.safetensors"
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} cannot be read as safetensors ({error})") from None
    check_fit(weights, towers, str(path))
    towers.load_state_dict(weights, strict=True)
    return Teacher(config, towers, tokenizer, device)


def convert_checkpoint(config: TeacherConfig, out: Path) -> None:
    """Turn the configured released checkpoint into a teacher's folder, once.

    Raises:
        UserError: the checkpoint or vocabulary is missing, unsafe, or does not fit the configuration.
    """
    weights, vocabulary = checked_weights(config)
    single = {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}
    save_teacher(Path(out), config, single, vocabulary)


def _description(config: TeacherConfig) -> dict[str, Any]:
    return {"format": FORMAT, **config.model_dump(mode="json", include=KEPT)}


def _read_description(path: Path) -> TeacherConfig:
    try:
        values = read_json(path)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} cannot be read as a teacher's configuration ({error})") from None
    if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
        raise UserError(f"{path} is not a teacher's configuration of format {FORMAT}")
    try:
        return TeacherConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: key '{key}': {first['msg']}") from None


def _stack(rows: list[Tensor], dim: int) -> np.ndarray:
    if not rows:
        return np.zeros((0, dim), dtype=np.float32)
    return torch.cat(rows).cpu().numpy()
