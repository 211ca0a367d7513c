"""Grid search over the audio encoder and its training: which values are tried, and what each point is."""

import itertools
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, ValidationError

from wavbrivl.config.models import AudioEncoderConfig, TrainingConfig, check_crop
from wavbrivl.config.section import Section


class SearchConfig(Section):
    """Grid search ("for all models, we use grid search to find the best hyperparameter", section 2.3)."""

    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    """Keys of `audio_encoder` and `training` by their dotted names, each with the values to try, as in
    `{training.learning_rate: [0.001, 0.002], training.queue_size: [160, 320]}`. Every combination is
    trained by a job of its own; the best MRR on validation decides which one everything after it uses.
    Empty: one training."""


@dataclass(frozen=True)
class Point:
    """One combination: the values that it sets, and the two sections with them."""

    values: dict[str, Any]
    audio_encoder: AudioEncoderConfig
    training: TrainingConfig

    def labels(self) -> dict[str, str]:
        """Each value as text for the name of a file, by a short name of its key, fit for a wildcard."""
        last = [key.split(".")[-1] for key in self.values]
        return {
            name if last.count(name) == 1 else key.replace(".", "_"): _text(value)
            for name, (key, value) in zip(last, self.values.items(), strict=True)
        }


def points_of(search: SearchConfig, audio: AudioEncoderConfig, training: TrainingConfig) -> list[Point]:
    """Every combination of the grid, in the order of its keys and values; none for an empty grid.

    Raises:
        ValueError: one sentence that names the key and the value that is wrong.
    """
    if not search.grid:
        return []
    combinations = itertools.product(*search.grid.values())
    points = [
        point_of(dict(zip(search.grid, values, strict=True)), audio, training) for values in combinations
    ]
    names = [tuple(point.labels().items()) for point in points]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"search.grid holds {', '.join(f'{key} {value}' for key, value in twice)} twice")
    return points


def encoders_of(
    search: SearchConfig, audio: AudioEncoderConfig, training: TrainingConfig
) -> list[AudioEncoderConfig]:
    """Every encoder that is trained: those of the grid's points, or the one without a grid."""
    return [point.audio_encoder for point in points_of(search, audio, training)] or [audio]


def point_of(values: dict[str, Any], audio: AudioEncoderConfig, training: TrainingConfig) -> Point:
    """The two sections with `values`, dotted keys, in place of what they say.

    Raises:
        ValueError: one sentence that names the key and the value that is wrong.
    """
    sections = {
        "audio_encoder": audio.model_dump(mode="json"),
        "training": training.model_dump(mode="json"),
    }
    for key, value in values.items():
        _section_of(sections, key)[key.split(".")[-1]] = value
    named = ", ".join(f"{key} {value}" for key, value in values.items())
    try:
        encoder = AudioEncoderConfig(**sections["audio_encoder"])
        training = TrainingConfig(**sections["training"])
        check_crop(encoder, training)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"search.grid, point {named}: {where + ': ' if where else ''}{message}") from None
    except ValueError as error:
        raise ValueError(f"search.grid, point {named}: {error}") from None
    # As the models understood them: a command line gives "0.1" where a file gives 0.1.
    typed = {"audio_encoder": encoder.model_dump(mode="json"), "training": training.model_dump(mode="json")}
    return Point({key: _section_of(typed, key)[key.split(".")[-1]] for key in values}, encoder, training)


def _section_of(sections: dict[str, Any], key: str) -> dict[str, Any]:
    """The mapping that holds a dotted key's value."""
    *path, last = key.split(".")
    place: Any = sections
    for part in path:
        place = place.get(part) if isinstance(place, dict) else None
    if not path or not isinstance(place, dict) or last not in place or isinstance(place[last], dict):
        raise ValueError(f"search.grid: there is no key '{key}' in {' or '.join(sections)}")
    return place


def _text(value: Any) -> str:
    text = (
        "null"
        if value is None
        else str(value).lower()
        if isinstance(value, bool)
        else str(value).replace(" ", "")
    )
    return re.sub(r"[^A-Za-z0-9.,+-]+", "-", text).strip("-.") or "-"
