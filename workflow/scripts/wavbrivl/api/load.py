"""Read an exported encoder and its teacher strictly: what does not fit is refused, never filled in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers.utils import logging

from wavbrivl.audio.configuration import WavBriVLConfig
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.errors import UserError
from wavbrivl.files import read_json
from wavbrivl.teacher.digest import weights_digest
from wavbrivl.teacher.model import Teacher, load_teacher


def load_config(folder: Path) -> WavBriVLConfig:
    """The configuration of a model's folder.

    Raises:
        UserError: there is none, or it is another kind of model's.
    """
    path = folder / "config.json"
    try:
        values = read_json(path)
    except FileNotFoundError:
        raise UserError(f"{folder} is not a model's folder: config.json is missing") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} cannot be read as JSON ({error})") from None
    kind = values.get("model_type") if isinstance(values, dict) else None
    if kind != WavBriVLConfig.model_type:
        raise UserError(f"{path} describes a model of type {kind!r}, not 'wavbrivl'")
    try:
        return WavBriVLConfig.from_dict(values)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"{path} does not describe an encoder ({error})") from None


def load_encoder(folder: Path, device: torch.device | str = "cpu") -> WavBriVLModel:
    """The encoder of a model's folder, in evaluation mode.

    Raises:
        UserError: a file is missing or damaged, or keys or shapes do not fit the configuration.
    """
    config = load_config(folder)
    if not any(folder.glob("*.safetensors")):
        raise UserError(f"{folder} holds no weights as safetensors (model.safetensors is missing)")
    try:
        with _without_progress_bar():
            model, report = WavBriVLModel.from_pretrained(
                folder, config=config, use_safetensors=True, local_files_only=True, output_loading_info=True
            )
    except (SafetensorError, OSError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{folder}: the weights cannot be loaded ({_first_line(error)})") from None
    problems = [
        f"{len(report[kind])} {words} (first: {sorted(map(str, report[kind]))[0]})"
        for kind, words in _REPORTED
        if report.get(kind)
    ]
    if problems:
        raise UserError(f"{folder}: the weights do not fit config.json: {', '.join(problems)}")
    return model.to(device).eval()


_REPORTED = (
    ("missing_keys", "missing"),
    ("unexpected_keys", "unknown"),
    ("mismatched_keys", "of another shape"),
)


@contextmanager
def _without_progress_bar() -> Iterator[None]:
    """Weights are read in a moment; a bar for that would only stand in the way of what is printed."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def load_fitting_teacher(folder: Path, config: WavBriVLConfig, device: torch.device | str = "cpu") -> Teacher:
    """The teacher in whose space an encoder was trained.

    Raises:
        UserError: as `load_teacher`, or it is another one than the encoder's.
    """
    known = config.teacher or {}
    wanted = known.get("weights_sha256")
    if wanted and (found := weights_digest(folder)) and found != wanted:
        raise UserError(
            f"{folder} is another teacher than the model was trained with: sha256 {found[:12]}..., not "
            f"{wanted[:12]}...; sounds and images would not meet in one space"
        )
    teacher = load_teacher(folder, device)
    if teacher.dim != config.teacher_dim:
        raise UserError(
            f"{folder} has embeddings of {teacher.dim} values, the model was trained with a teacher of "
            f"{config.teacher_dim}"
        )
    return teacher


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
