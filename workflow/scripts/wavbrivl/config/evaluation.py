"""What is measured, and how."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from wavbrivl.config.captions import ClothoConfig
from wavbrivl.config.corpus import PositiveInt
from wavbrivl.config.events import DesedConfig
from wavbrivl.config.section import Section
from wavbrivl.evaluate.kinds import OWN, SUPERVISED, WITH_WEIGHTS
from wavbrivl.evaluate.places import TRAINED
from wavbrivl.named_class import is_named_class

EncoderName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]


class ModelConfig(Section):
    """An audio encoder of others, with weights that you bring or that are fetched once."""

    kind: str
    """`wav2clip`, `openl3`, `huggingface` for any audio model that transformers can load, or `module:Class`:
    a class of your own on the Python path that has the encoders' interface (docs/evaluation.md)."""
    path: str = ""
    """The weights: a file, or for `huggingface` a folder; with `id` always `data/weights/<name>`; a class of
    your own may have none."""
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")] | None = None
    """Id on the Hugging Face hub; `snakemake --cores 1 fetch_audio_models` fetches the folder."""
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    """Commit of the hub that is fetched; needed with `id`."""
    window_seconds: Annotated[float, Field(gt=0)] | None = None
    """Longer sounds are embedded in windows of this length; null: the model's own, or 10 s."""
    hop_seconds: Annotated[float, Field(gt=0)] | None = None
    """Step between frames, for `openl3` (null: 0.1 s) and for `wav2clip`'s frames (null: 0.05 s)."""

    @field_validator("kind")
    @classmethod
    def _kind_is_known(cls, kind: str) -> str:
        if kind not in WITH_WEIGHTS and not is_named_class(kind):
            raise ValueError(f"the kind must be one of {', '.join(WITH_WEIGHTS)}, or module:Class")
        return kind

    @model_validator(mode="after")
    def _an_id_is_pinned(self) -> "ModelConfig":
        if self.id and (self.kind != "huggingface" or not self.revision):
            raise ValueError("an id goes with the kind 'huggingface' and with the revision that is fetched")
        if is_named_class(self.kind) and not self.path:
            return self
        if bool(self.id) == bool(self.path):
            raise ValueError("either path or id says where the weights are")
        return self


class SupervisedConfig(Section):
    """The encoder's own architecture, trained from random weights on each task, end to end."""

    folds: PositiveInt | None = 1
    """How many folds of a benchmark are tested, from the first one; null tests all of them."""
    steps: PositiveInt = 40
    """Optimisation steps for each fold."""
    batch_size: PositiveInt = 32
    """Sounds a step."""
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    """Peak of the schedule; crops, noise, gain and decay are those of `training`."""


class ProbeConfig(Section):
    """The one MLP head that every embedding is judged with."""

    hidden: PositiveInt = 256
    """Hidden units."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Dropout before the output layer."""
    learning_rates: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] = [1e-3, 3e-3]
    """Searched on validation folds only."""
    epochs: PositiveInt = 30
    """Passes over the training folds."""
    batch_size: PositiveInt = 64
    """Examples a step."""


class Esc50Config(Section):
    """ESC-50: five official folds, multi-class and zero-shot."""

    path: str | None = None
    """Folder in ESC-50's layout (`meta/esc50.csv`, `audio/`); null uses the embedded benchmark."""
    translations: str | None = None
    """Words for labels of your own, a CSV `label,zh`; null takes ESC-50's (only with `path`)."""


class UrbanSound8kConfig(Section):
    """UrbanSound8K: ten official folds, multi-class and zero-shot."""

    path: str | None = None
    """Folder in UrbanSound8K's layout (`metadata/UrbanSound8K.csv`, `audio/fold1` to `fold10`); null uses
    the embedded benchmark."""
    translations: str | None = None
    """As `evaluate.esc50.translations`."""


class VggSoundConfig(Section):
    """The corpus's own classes on its official train and test split, multi-class and zero-shot."""

    translations: str | None = None
    """Words for the corpus's labels, a CSV `label,zh`; null takes the embedded world's or VGG-Sound's."""


class RetrievalConfig(Section):
    """Cross-modal retrieval between the sounds and the images of the test split."""

    recalls: list[PositiveInt] = [1, 5, 10]
    """The k of recall at k."""
    baseline_steps: PositiveInt = 400
    """Steps of the cross projection that is fitted on each baseline's embeddings."""


class EvaluateConfig(Section):
    """The downstream evaluations."""

    encoders: list[EncoderName] = ["wavbrivl", "random", "logmel", "supervised", "wav2clip", "openl3"]
    """Rows of the tables: the trained encoder, the same with random weights, log-mel statistics, the
    same architecture trained from scratch on each task, and names out of `models`."""
    models: dict[EncoderName, ModelConfig] = {
        "wav2clip": ModelConfig(kind="wav2clip", path="data/weights/wav2clip/Wav2CLIP.pt"),
        "openl3": ModelConfig(
            kind="openl3", path="data/weights/torchopenl3/torchopenl3_mel256_env_512.pth.tar"
        ),
    }
    """Encoders of others by name, each `{kind, path}` (docs/evaluation.md); where the weights are absent,
    the row says so."""
    esc50: Esc50Config = Esc50Config()
    """Environmental sound classification."""
    urbansound8k: UrbanSound8kConfig = UrbanSound8kConfig()
    """Urban sound classification."""
    vggsound: VggSoundConfig = VggSoundConfig()
    """Classification of the corpus's clips."""
    retrieval: RetrievalConfig = RetrievalConfig()
    """Sound to image and image to sound."""
    desed: DesedConfig = DesedConfig()
    """Sound event detection."""
    clotho: ClothoConfig = ClothoConfig()
    """Captions for sounds, and retrieval by caption."""
    probe: ProbeConfig = ProbeConfig()
    """The classification head."""
    supervised: SupervisedConfig = SupervisedConfig()
    """Training from scratch, as a baseline."""
    prompts: dict[Literal["zh", "en"], list[str]] = {
        "zh": ["{}", "{}的声音", "一张{}的照片"],
        "en": ["{}", "the sound of {}", "a photo of {}"],
    }
    """Zero-shot templates by language; their embeddings are averaged."""
    bootstrap: PositiveInt = 2000
    """Resamples behind each 95 % interval."""
    seeds: PositiveInt = 3
    """Seeds that the classification head is trained with, counted from the run's; the first gives the numbers
    of the tables, all of them the reliability plot."""
    heavy_seeds: PositiveInt = 1
    """The same for what takes longer to train: DESED's frame head, Clotho's captioner and text encoder, the
    cross projections of retrieval."""
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

    @field_validator("models")
    @classmethod
    def _names_are_free(cls, models: dict[str, ModelConfig]) -> dict[str, ModelConfig]:
        taken = sorted(set(models) & {*OWN, SUPERVISED})
        if taken:
            raise ValueError(f"'{taken[0]}' is the name of an encoder of the project itself")
        return models

    @model_validator(mode="after")
    def _encoders_are_known(self) -> "EvaluateConfig":
        for name in self.encoders:
            if name not in (*OWN, SUPERVISED, *self.models):
                raise ValueError(f"evaluate.encoders: there is no '{name}' in evaluate.models")
        if len(set(self.encoders)) < len(self.encoders) or TRAINED not in self.encoders:
            raise ValueError(f"evaluate.encoders must name '{TRAINED}', and nobody twice")
        return self
