"""The encoder's and its training's settings after a grid search: those of the point that was chosen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wavbrivl.config.models import AudioEncoderConfig, TrainingConfig
from wavbrivl.config.search import point_of
from wavbrivl.files import read_json


def settings_used(
    audio_encoder: Mapping[str, Any], training: Mapping[str, Any], chosen: Path | str | None = None
) -> tuple[AudioEncoderConfig, TrainingConfig]:
    """The two sections that the run's encoder was really trained with.

    Args:
        audio_encoder, training: the sections as configured.
        chosen: the grid search's chosen.json; none (or an empty input) without a search.
    """
    base = AudioEncoderConfig(**audio_encoder), TrainingConfig(**training)
    if not chosen:
        return base
    point = point_of(read_json(chosen)["values"], *base)
    return point.audio_encoder, point.training


def training_used(training: Mapping[str, Any], chosen: Path | str | None = None) -> TrainingConfig:
    """The section `training` alone, for whoever repeats the recipe with another encoder."""
    if not chosen:
        return TrainingConfig(**training)
    values = {
        key.removeprefix("training."): value
        for key, value in read_json(chosen)["values"].items()
        if key.startswith("training.")
    }
    return TrainingConfig(**{**training, **values})
