"""Captioning and retrieval on Clotho."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wavbrivl.config.corpus import PositiveInt
from wavbrivl.config.section import Section

Share = Annotated[float, Field(ge=0, lt=1)]
PositiveFloat = Annotated[float, Field(gt=0)]
CaptionMetric = Literal["bleu", "meteor", "rouge_l", "cider", "spice"]

CLOTHO_SPLITS = ("development", "validation", "evaluation")
"""Each a table `clotho_captions_<split>.csv` and a folder of sounds."""

CORENLP_JARS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
"""What SPICE parses captions with."""


class EmbeddedClothoConfig(Section):
    """How many sounds of a few seconds, with five captions each, the embedded Clotho has."""

    development: PositiveInt = 160
    """To train on (Clotho: 3,839)."""
    validation: PositiveInt = 32
    """To choose the model on (Clotho: 1,045)."""
    evaluation: PositiveInt = 60
    """To measure on (Clotho: 1,045)."""


class CaptionerConfig(Section):
    """The transformer decoder that turns an encoder's frames into words."""

    frame_seconds: PositiveFloat = 0.2
    """The rate that every encoder's frames are averaged to."""
    width: PositiveInt = 96
    """Width of the transformer; the heads divide it."""
    encoder_layers: PositiveInt = 1
    """Layers that read the frozen frames before the decoder attends to them."""
    decoder_layers: PositiveInt = 2
    """Layers of the decoder."""
    heads: PositiveInt = 4
    """Attention heads of each layer."""
    feedforward: PositiveInt = 192
    """Feed-forward width of each layer."""
    dropout: Share = 0.1
    """Dropout, in training only."""
    label_smoothing: Share = 0.1
    """Share of each word's target that is spread over the vocabulary."""
    minimum_count: PositiveInt = 1
    """Words rarer than this among the development captions become one unknown word."""
    steps: PositiveInt = 250
    """Optimisation steps."""
    batch_size: PositiveInt = 32
    """Captions a step."""
    learning_rate: PositiveFloat = 2e-3
    """Peak of the one-cycle schedule."""
    validate_every: PositiveInt = 50
    """Steps between two validations; the weights with the lowest validation loss are kept."""
    beams: PositiveInt = 4
    """Width of the beam search."""
    maximum_words: PositiveInt = 24
    """Longest caption that is written; longer ones are cut in training."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "CaptionerConfig":
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} does not divide width {self.width}")
        return self


class CaptionRetrievalConfig(Section):
    """The text encoder that is trained against each encoder's frozen embeddings."""

    width: PositiveInt = 96
    """Width of the text transformer; the heads divide it."""
    layers: PositiveInt = 1
    """Its layers."""
    heads: PositiveInt = 4
    """Its attention heads."""
    feedforward: PositiveInt = 192
    """Its feed-forward width."""
    embedding_dim: PositiveInt = 128
    """Width of the space that texts and sounds meet in."""
    hidden: PositiveInt = 256
    """Hidden units of the MLP that carries sounds into it."""
    dropout: Share = 0.1
    """Dropout, in training only."""
    temperature: PositiveFloat = 0.07
    """Fixed softmax temperature of the contrastive loss."""
    steps: PositiveInt = 200
    """Optimisation steps."""
    batch_size: Annotated[int, Field(ge=2)] = 48
    """Sounds a step, with one of their captions each."""
    learning_rate: PositiveFloat = 2e-3
    """Peak of the one-cycle schedule."""
    validate_every: PositiveInt = 50
    """Steps between two validations; the weights with the best validation mAP@10, the mean of both
    directions, are kept."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "CaptionRetrievalConfig":
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} does not divide width {self.width}")
        return self


class ClothoConfig(Section):
    """Clotho: five English captions for each sound."""

    path: str | None = None
    """Folder with `clotho_captions_*.csv` and `development/`, `validation/`, `evaluation/`; null uses the
    embedded benchmark."""
    metrics: Annotated[list[CaptionMetric], Field(min_length=1)] = [
        "bleu", "meteor", "rouge_l", "cider", "spice",
    ]  # fmt: skip
    """Caption metrics; one that this machine cannot compute is named in the metrics file with its reason."""
    corenlp: str = "data/weights/corenlp"
    """Folder with the two jars of Stanford CoreNLP 3.6.0, which SPICE needs beside a Java 8 to 11
    (docs/events_and_captions.md)."""
    captioner: CaptionerConfig = CaptionerConfig()
    """Captioning."""
    retrieval: CaptionRetrievalConfig = CaptionRetrievalConfig()
    """Text to sound and sound to text."""
    embedded: EmbeddedClothoConfig = EmbeddedClothoConfig()
    """The embedded benchmark."""
