"""Sound event detection on DESED."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from wavbrivl.config.corpus import PositiveInt
from wavbrivl.config.section import Section

PLACES = {
    "weak": "train/weak",
    "synthetic20": "train/synthetic20/soundscapes",
    "synthetic21_train": "train/synthetic21_train/soundscapes",
    "synthetic21_validation": "validation/synthetic21_validation/soundscapes",
    "validation": "validation/validation",
    "public": "eval/public",
}
"""Where each part of DESED lies below `metadata/` (with `.tsv`) and `audio/`."""


def desed_folder(table: str, part: str) -> Path:
    """The benchmark's folder, from the path of one part's table."""
    return Path(table).parents[PLACES[part].count("/") + 1]


Probability = Annotated[float, Field(gt=0, lt=1)]
Seconds = Annotated[float, Field(gt=0)]
StrongPart = Literal["synthetic20", "synthetic21_train", "synthetic21_validation", "validation", "public"]


class EmbeddedDesedConfig(Section):
    """How many soundscapes of ten seconds each part of the embedded DESED has."""

    synthetic21_train: PositiveInt = 160
    """Synthetic soundscapes with strong labels, to train on (DESED: 10,000)."""
    weak: PositiveInt = 16
    """Recordings of which only the classes are known (DESED: 1,578)."""
    synthetic21_validation: PositiveInt = 32
    """Synthetic soundscapes to choose threshold and filter on (DESED: 2,500)."""
    validation: PositiveInt = 12
    """Recordings with strong labels, some without any event (DESED: 1,168)."""
    public: PositiveInt = 48
    """Recordings of the public evaluation set (DESED: 692)."""


class FrameHeadConfig(Section):
    """The one head that every encoder's frames are judged with: a convolution over time, then a layer."""

    hidden: PositiveInt = 128
    """Channels of the convolution."""
    context_seconds: Seconds = 1.3
    """What the convolution sees around a frame."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Dropout before the last layer."""
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    """Adam's."""
    epochs: PositiveInt = 25
    """Passes over the training parts."""
    batch_size: PositiveInt = 8
    """Recordings a step."""
    weak_weight: Annotated[float, Field(ge=0)] = 0.5
    """Weight of the loss of a recording of which only the classes are known."""


class DesedConfig(Section):
    """DESED: which event sounds when, in recordings of about ten seconds."""

    path: str | None = None
    """Folder with DESED's `audio/` and `metadata/`; null uses the embedded benchmark."""
    train: Annotated[list[StrongPart], Field(min_length=1)] = ["synthetic21_train"]
    """Parts with strong labels that the frame head is trained on."""
    weak: bool = True
    """Train on the part `weak` as well."""
    select: StrongPart = "synthetic21_validation"
    """The part that threshold and filter are chosen on, where several are given."""
    test: StrongPart = "public"
    """The part that is measured: `public`, `validation`, or `synthetic21_validation` (the paper's 2.5k)."""
    frame_seconds: Seconds = 0.1
    """The rate that every encoder's frames are averaged to."""
    head: FrameHeadConfig = FrameHeadConfig()
    """The frame head."""
    thresholds: Annotated[list[Probability], Field(min_length=1)] = [0.2, 0.3, 0.4, 0.5]
    """Above this probability a class is on."""
    median_seconds: Annotated[list[Seconds], Field(min_length=1)] = [0.3, 0.7, 1.1]
    """Length of the median filter over time, rounded to an odd number of frames."""
    embedded: EmbeddedDesedConfig = EmbeddedDesedConfig()
    """The embedded benchmark."""

    @property
    def searched(self) -> bool:
        """Whether threshold and filter are chosen and not given."""
        return len(self.thresholds) * len(self.median_seconds) > 1

    @property
    def parts(self) -> list[str]:
        """The parts that are read."""
        names = [*self.train, *(["weak"] if self.weak else []), *([self.select] if self.searched else [])]
        return [*names, self.test]

    @model_validator(mode="after")
    def _parts_are_apart(self) -> "DesedConfig":
        if self.test in self.train:
            raise ValueError(f"evaluate.desed.test '{self.test}' must not be a training part")
        if self.searched and self.select in (self.test, *self.train):
            raise ValueError(
                f"evaluate.desed.select '{self.select}' must be neither trained on nor tested, as long as "
                "several thresholds or filters are given"
            )
        return self
