"""What is measured, and how."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from wavbrivl.config.captions import ClothoConfig
from wavbrivl.config.corpus import PositiveInt
from wavbrivl.config.events import DesedConfig
from wavbrivl.config.section import Section


class ProbeConfig(Section):
    """The one MLP head that every embedding is judged with."""

    hidden: PositiveInt = 512
    """Hidden units."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Dropout before the output layer."""
    learning_rates: list[float] = [1e-3, 3e-3]
    """Searched on validation folds only."""
    epochs: PositiveInt = 40
    """Passes over the training folds."""
    batch_size: PositiveInt = 64
    """Examples a step."""


class Esc50Config(Section):
    """ESC-50: five official folds, multi-class and zero-shot."""

    path: str | None = None
    """Folder in ESC-50's layout (`meta/esc50.csv`, `audio/`); null uses the embedded benchmark."""


class RetrievalConfig(Section):
    """Cross-modal retrieval between the sounds and the images of the test split."""

    recalls: list[PositiveInt] = [1, 5, 10]
    """The k of recall at k."""
    baseline_steps: PositiveInt = 400
    """Steps of the cross projection that is fitted on each baseline's embeddings."""


class EvaluateConfig(Section):
    """The downstream evaluations."""

    encoders: list[Literal["wavbrivl", "random", "logmel"]] = ["wavbrivl", "random", "logmel"]
    """Rows of the tables: the trained encoder, the same with random weights, log-mel statistics."""
    esc50: Esc50Config = Esc50Config()
    """Environmental sound classification."""
    retrieval: RetrievalConfig = RetrievalConfig()
    """Sound to image and image to sound."""
    desed: DesedConfig = DesedConfig()
    """Sound event detection."""
    clotho: ClothoConfig = ClothoConfig()
    """Captions for sounds, and retrieval by caption."""
    probe: ProbeConfig = ProbeConfig()
    """The classification head."""
    prompts: dict[Literal["zh", "en"], list[str]] = {
        "zh": ["{}", "{}的声音", "一张{}的照片"],
        "en": ["{}", "the sound of {}", "a photo of {}"],
    }
    """Zero-shot templates by language; their embeddings are averaged."""
    bootstrap: PositiveInt = 2000
    """Resamples behind each 95 % interval."""
    batch_size: PositiveInt = 32
    """Sounds of equal length embedded side by side."""

    @field_validator("prompts")
    @classmethod
    def _one_place_for_the_label(cls, prompts: dict[str, list[str]]) -> dict[str, list[str]]:
        for language, templates in prompts.items():
            for template in templates:
                if template.count("{}") != 1:
                    raise ValueError(
                        f"the {language} template {template!r} must hold {{}} once, for the label"
                    )
        return prompts
