"""Released BriVL checkpoints: read without running anything, checked key by key, converted once."""

import pickle
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


def preset(name: Literal["baai", "nmi"]) -> TeacherConfig:
    """The two released models: one architecture, 380 pixels (BAAI, 55 M pairs) or 456 (NMI).

    BAAI's was trained on detector boxes (`ImageTower.forward` takes them), NMI's on the uniform grid.
    """
    image = ImageTowerConfig(
        backbone="tf_efficientnet_b5", output_stride=32, classifier=1000,
        image_size={"baai": 380, "nmi": 456}[name], antialias=False, box_grid=6, grid_size=4,
        width=2048, layers=4, heads=4, feedforward=2048, dropout=0.1,
    )  # fmt: skip
    text = TextTowerConfig(
        hidden_size=768, bert_layers=12, bert_heads=12, intermediate_size=3072, positions=512,
        layers=4, heads=4, feedforward=2048, dropout=0.1, max_length=80,
    )  # fmt: skip
    return TeacherConfig(language="zh", embedding_dim=2048, image=image, text=text)


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
    if not path.is_file():
        raise UserError(f"teacher.checkpoint: {path} does not exist")
    if sha256 is not None and (found := sha256_of(path)) != sha256:
        raise UserError(f"teacher.checkpoint_sha256: {path} has the checksum {found}, not {sha256}")
    content = _unpickle_tensors(path)
    learnable = content.get("learnable") if isinstance(content, Mapping) else None
    if not isinstance(learnable, Mapping):
        raise UserError(
            f"teacher.checkpoint: {path} has no entry 'learnable', so it is not a BriVL checkpoint"
        )
    weights = {
        key: value
        for key, value in learnable.items()
        if str(key).startswith(PREFIXES) and not key.endswith(NOT_WEIGHTS)
    }
    strange = [key for key, value in weights.items() if not isinstance(value, Tensor)]
    if strange:
        raise UserError(f"teacher.checkpoint: {path}: the entry '{strange[0]}' is no tensor")
    return weights


def _unpickle_tensors(path: Path) -> Any:
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
    expected = {key: tuple(value.shape) for key, value in towers.state_dict().items()}
    missing = sorted(expected.keys() - weights.keys())
    unknown = sorted(weights.keys() - expected.keys())
    odd = sorted(
        key for key in expected.keys() & weights.keys() if tuple(weights[key].shape) != expected[key]
    )
    problems = [
        f"{len(keys)} {what} (first: {keys[0]})"
        for what, keys in (("missing", missing), ("unknown", unknown), ("of another shape", odd))
        if keys
    ]
    if problems:
        raise UserError(f"{origin} does not fit the configured towers: " + ", ".join(problems))


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
