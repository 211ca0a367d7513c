"""The whole configuration, and how it is read."""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, model_validator

from wavbrivl.config.corpus import CorpusConfig, FetchConfig, MediaConfig, WorldConfig
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.config.generation import GenerateConfig
from wavbrivl.config.models import AudioEncoderConfig, TeacherConfig, TrainingConfig, check_crop
from wavbrivl.config.search import SearchConfig, points_of
from wavbrivl.config.section import Section
from wavbrivl.config.studies import StudiesConfig
from wavbrivl.errors import UserError


class Config(Section):
    """Everything that decides a result. Threads, memory and GPUs belong to profiles instead."""

    run: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")] = "demo"
    """Name of the run: results are written to `results/<run>/`."""
    models_of: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")] | None = None
    """A finished run whose teacher, encoder and generators are taken; null trains this run's own."""
    seed: Annotated[int, Field(ge=0)] = 7
    """Seed of everything that is drawn."""
    world: WorldConfig = WorldConfig()
    """The embedded world; used by corpus.format `embedded` and by benchmarks without a path."""
    corpus: CorpusConfig = CorpusConfig()
    """The clips."""
    fetch: FetchConfig = FetchConfig()
    """Fetching."""
    media: MediaConfig = MediaConfig()
    """Media extraction."""
    teacher: TeacherConfig = TeacherConfig()
    """The frozen vision-language model."""
    audio_encoder: AudioEncoderConfig = AudioEncoderConfig()
    """The audio encoder."""
    training: TrainingConfig = TrainingConfig()
    """Alignment training."""
    search: SearchConfig = SearchConfig()
    """Grid search over the audio encoder and its training."""
    studies: StudiesConfig = StudiesConfig()
    """The studies on drawn pictures."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """Downstream evaluation."""
    generate: GenerateConfig = GenerateConfig()
    """Pictures from sound."""

    @model_validator(mode="after")
    def _training_is_sound(self) -> "Config":
        check_crop(self.audio_encoder, self.training)
        points_of(self.search, self.audio_encoder, self.training)
        return self


def parse_config(values: dict[str, Any], origin: str = "the configuration") -> Config:
    """Validate a merged mapping.

    Raises:
        UserError: one sentence for each wrong key, naming the key.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise UserError("; ".join(_sentence(e, origin) for e in error.errors())) from None


def load_config(*paths: Path) -> Config:
    """Read the YAML files in order, later ones overlaying earlier ones, and validate."""
    merged: dict[str, Any] = {}
    for path in paths:
        merged = overlay(merged, yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {})
    return parse_config(merged, origin=str(paths[-1]) if paths else "the defaults")


def overlay(base: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Merge nested mappings as Snakemake merges configuration files."""
    merged = dict(base)
    for key, value in extra.items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = overlay(merged[key], value) if nested else value
    return merged


def _sentence(error: Any, origin: str) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{origin}: unknown key '{key}' (config/README.md lists every key)"
    message = error["msg"].removeprefix("Value error, ")
    where = f"key '{key}': " if key else ""
    value = f", got {error['input']!r}" if key and not isinstance(error["input"], dict) else ""
    return f"{origin}: {where}{message[0].lower() + message[1:]}{value}"
