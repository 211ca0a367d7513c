"""Released BriVL checkpoints: read without running anything, checked key by key, converted once."""

import pickle
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from wavbrivl.config.teacher import ImageTowerConfig, TeacherConfig, TextTowerConfig
from wavbrivl.errors import UserError
from wavbrivl.files import sha256_of
from wavbrivl.teacher.text import read_vocabulary
from wavbrivl.teacher.towers import Towers

PREFIXES = ("imgencoder.", "textencoder.")
"""With the dot, so that the momentum copies (`imgencoder_mom.`, `textencoder_mom.`) stay out."""

NOT_WEIGHTS = "embeddings.position_ids"
"""A buffer 0..511 that old BERTs saved; today's compute it, and a strict load would fail on it."""


def preset(name: Literal["baai", "nmi", "b7"]) -> TeacherConfig:
    """The released models, and the one that the paper's sentence names.

    `baai` (55 M pairs, a detector's boxes) and `nmi` (the uniform grid) are one architecture, EfficientNet-B5
    and a BERT of base size, at 380 and at 456 pixels: their keys and shapes are the same. `b7` is the larger
    model of BriVL's article (EfficientNet-B7, RoBERTa-Large, 2560 dimensions), which was never released: its
    widths are known, whether its keys are the same is not, and its input size is not either.
    """
    large = name == "b7"
    image = ImageTowerConfig(
        backbone="tf_efficientnet_b7" if large else "tf_efficientnet_b5", output_stride=32, classifier=1000,
        image_size={"baai": 380, "nmi": 456, "b7": 600}[name], antialias=False, box_grid=6, grid_size=4,
        width=2560 if large else 2048, layers=4, heads=4, feedforward=2048, dropout=0.1,
    )  # fmt: skip
    text = TextTowerConfig(
        hidden_size=1024 if large else 768, bert_layers=24 if large else 12, bert_heads=16 if large else 12,
        intermediate_size=4096 if large else 3072, positions=512,
        layers=4, heads=4, feedforward=2048, dropout=0.1, max_length=80,
    )  # fmt: skip
    return TeacherConfig(language="zh", embedding_dim=2560 if large else 2048, image=image, text=text)


def outside_training(config: TeacherConfig) -> str | None:
    """A warning where BAAI's size is used with the uniform grid: its weights grew on a detector's boxes."""
    if config.image != preset("baai").image:
        return None
    return (
        "teacher.image: 380 pixels are BAAI's, whose weights were trained on a detector's boxes; the uniform "
        "grid is outside of what they saw: give boxes (image.regions 'boxes'), or take the whole image "
        "('whole')"
    )


def read_checkpoint(path: Path | str, sha256: str | None = None) -> dict[str, Tensor]:
    """Read the towers' weights out of a released pickle.

    Args:
        path: file with a dictionary whose key `learnable` is the state dict of the four towers.
        sha256: expected checksum; compared before the file is opened.

    Returns:
        The entries of `imgencoder.` and `textencoder.`, without BERT's position_ids.

    Raises:
        UserError: missing, wrong checksum, not a checkpoint, or a pickle that holds more than tensors
            (which is refused before anything in it runs).
    """
    path = Path(path)
    if sha256 is not None and path.is_file() and (found := sha256_of(path)) != sha256:
        raise UserError(f"teacher.checkpoint_sha256: {path} has the checksum {found}, not {sha256}")
    return towers_of(read_learnable(path))


def read_learnable(path: Path) -> dict[str, Tensor]:
    """All entries of a released pickle's `learnable`: both towers and their momentum copies.

    Raises:
        UserError: as `read_checkpoint`.
    """
    if not path.is_file():
        raise UserError(f"teacher.checkpoint: {path} does not exist")
    content = _unpickle_tensors(path)
    learnable = content.get("learnable") if isinstance(content, Mapping) else None
    if not isinstance(learnable, Mapping):
        raise UserError(
            f"teacher.checkpoint: {path} has no entry 'learnable', so it is not a BriVL checkpoint"
        )
    strange = [key for key, value in learnable.items() if not isinstance(value, Tensor)]
    if strange:
        raise UserError(f"teacher.checkpoint: {path}: the entry '{strange[0]}' is no tensor")
    return {str(key): value for key, value in learnable.items()}


def towers_of(learnable: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries of the two towers, without their momentum copies and BERT's position_ids."""
    return {
        key: value
        for key, value in learnable.items()
        if key.startswith(PREFIXES) and not key.endswith(NOT_WEIGHTS)
    }


def _unpickle_tensors(path: Path) -> Any:
    if not path.stat().st_size:
        raise UserError(f"teacher.checkpoint: {path} is empty")
    if tarfile.is_tarfile(path):
        raise UserError(
            f"teacher.checkpoint: {path} is an archive: unpack it, the .pth file in it is the checkpoint"
        )
    try:
        # Memory mapping works for zip files only; older checkpoints are plain pickles.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError:
        raise UserError(
            f"teacher.checkpoint: {path} is refused: only pickles of plain tensors are loaded"
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError) as error:
        sentence = str(error).split("\n")[0]
        raise UserError(f"teacher.checkpoint: {path} cannot be read as a checkpoint ({sentence})") from None


def check_fit(weights: Mapping[str, Tensor], towers: Towers, origin: str) -> None:
    """Compare every key and shape with the towers (which may live on the meta device).

    Raises:
        UserError: counts of missing, unknown and misshapen entries, with the first of each.
    """
    problems = [
        f"{len(keys)} {what} (first: {keys[0]})" for what, keys in misfits(weights, towers).items() if keys
    ]
    if problems:
        raise UserError(f"{origin} does not fit the configured towers: " + ", ".join(problems))


def misfits(weights: Mapping[str, Tensor], towers: Towers) -> dict[str, list[str]]:
    """Keys that are missing, that are unknown, and that have another shape than the towers'."""
    expected = {key: tuple(value.shape) for key, value in towers.state_dict().items()}
    both = expected.keys() & weights.keys()
    return {
        "missing": sorted(expected.keys() - weights.keys()),
        "unknown": sorted(weights.keys() - expected.keys()),
        "of another shape": sorted(key for key in both if tuple(weights[key].shape) != expected[key]),
    }


def empty_towers(config: TeacherConfig, vocabulary_size: int) -> Towers:
    """The configured towers without memory behind them, for their keys and shapes."""
    with torch.device("meta"):
        return Towers(config.image, config.text, config.embedding_dim, vocabulary_size)


def checked_weights(config: TeacherConfig) -> tuple[dict[str, Tensor], list[str]]:
    """The configured checkpoint's weights and vocabulary, known to fit the configured towers.

    Raises:
        UserError: as `read_checkpoint` and `check_fit`; or a vocabulary is not configured.
    """
    if not config.checkpoint or not config.vocabulary:
        raise UserError(
            "teacher.checkpoint and teacher.vocabulary are both needed: checkpoints carry no vocabulary"
        )
    vocabulary = read_vocabulary(config.vocabulary)
    weights = read_checkpoint(config.checkpoint, config.checkpoint_sha256)
    check_fit(weights, empty_towers(config, len(vocabulary)), f"teacher.checkpoint {config.checkpoint}")
    return weights, vocabulary
