"""Whether weights that are there already fit the configuration: told by their heads, before any job runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.errors import UserError
from wavbrivl.files import read_json
from wavbrivl.safetensors_header import read_header
from wavbrivl.teacher.kinds import MODELS
from wavbrivl.teacher.shapes import Shape, pickled_shapes

BRIVL = {
    "teacher.embedding_dim": ("imgencoder.learnable.imgFC.fc2.weight", 0),
    "teacher.image.width": ("imgencoder.learnable.max_pool.0.weight", 0),
    "teacher.text.hidden_size": ("textencoder.learnable.textFC.fc1.weight", 1),
}
"""Which weight of a released checkpoint has a key's number, and on which axis."""

PROJECTIONS = (
    ("visual_projection.weight", "text_projection.weight"),  # CLIP, Chinese-CLIP
    ("vision_model.head.mlp.fc2.weight", "text_model.head.weight"),  # SigLIP, SigLIP 2
)
"""The last weights of the image and the text tower: their first axis is the shared space."""


def refuse_misfit(teacher: TeacherConfig, checkpoint: Path | None, model: Path | None) -> None:
    """Compare what is on this machine with the configuration; what is to be fetched comes later.

    Args:
        teacher: the configuration.
        checkpoint: where a checkpoint of BriVL lies or will lie.
        model: where the folder of a CLIP-like model lies or will lie.

    Raises:
        UserError: naming the key that does not fit.
    """
    if checkpoint and checkpoint.is_file():
        _checkpoint_fits(teacher, checkpoint)
    if model and model.is_dir():
        _model_fits(model)


def _checkpoint_fits(teacher: TeacherConfig, path: Path) -> None:
    shapes = pickled_shapes(path, "learnable") or {}
    for key, (weight, axis) in BRIVL.items():
        value: Any = teacher
        for part in key.split(".")[1:]:
            value = getattr(value, part)
        shape = shapes.get(weight, ())  # one of too few axes is named by the job that compares all of them
        if axis < len(shape) and shape[axis] != value:
            raise UserError(f"{key} is {value}, and the weights of {path} have {shape[axis]}")


def _model_fits(folder: Path) -> None:
    try:
        config = read_json(folder / "config.json")
        model_type = config.get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"teacher.model: {folder} holds no readable config.json ({error})") from None
    if not isinstance(model_type, str) or model_type not in MODELS:
        raise UserError(
            f"teacher.model: {folder} is a model of type {model_type!r}; a teacher is one of "
            f"{', '.join(MODELS)}"
        )
    weights = folder / "model.safetensors"
    if weights.is_file():  # a pickle or several files are compared when they are adopted
        try:
            shapes = read_header(weights).shapes
        except UserError as error:
            raise UserError(f"teacher.model: {error}") from None
        _projections_fit(folder, config, shapes)


def _projections_fit(folder: Path, config: Mapping[str, Any], shapes: Mapping[str, Shape]) -> None:
    for image, text in PROJECTIONS:
        if not shapes.get(image) or not shapes.get(text):
            continue
        found = {"images": shapes[image][0], "texts": shapes[text][0]}
        if image == "visual_projection.weight" and "projection_dim" in config:
            found["its config.json's projection_dim"] = config["projection_dim"]
        if any(dim != found["images"] for dim in found.values()):  # whatever config.json holds there
            words = ", ".join(f"{what} {dim}" for what, dim in found.items())
            raise UserError(f"teacher.model: the dimensions in {folder} differ ({words})")
