"""The audio encoder and how it is trained."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wavbrivl.config.corpus import PositiveInt
from wavbrivl.config.section import Section
from wavbrivl.config.teacher import ImageTowerConfig as ImageTowerConfig
from wavbrivl.config.teacher import PositiveFloat
from wavbrivl.config.teacher import TeacherConfig as TeacherConfig
from wavbrivl.config.teacher import TeacherTrainingConfig as TeacherTrainingConfig
from wavbrivl.config.teacher import TextTowerConfig as TextTowerConfig

SevenSizes = Annotated[list[PositiveInt], Field(min_length=7, max_length=7)]


class WavLMConfig(Section):
    """The audio backbone: Hugging Face's WavLM, pretrained or built at these sizes."""

    pretrained: str | None = None
    """Folder of a pretrained WavLM (base, base-plus or large); null builds one from the sizes below."""
    hidden_size: PositiveInt = 96
    """Width of the transformer (base: 768, large: 1024)."""
    layers: PositiveInt = 3
    """Transformer layers (base: 12, large: 24)."""
    heads: PositiveInt = 4
    """Attention heads (base: 12, large: 16)."""
    intermediate_size: PositiveInt = 192
    """Feed-forward width (base: 3072, large: 4096)."""
    conv_channels: PositiveInt | SevenSizes = Field(default=[16, 16, 32, 32, 64, 64, 96])
    """Channels of the seven convolutions, one number (published WavLM: 512) or seven; the first ones
    run at the highest rate and cost the most time."""
    position_kernel: PositiveInt = 128
    """Frames that the convolutional position code spans (published WavLM: 128)."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout inside the transformer while it is trained (published WavLM: 0.1)."""
    freeze: bool = False
    """Keep the backbone as it is and train only what stands on it."""

    @model_validator(mode="after")
    def _width_divides(self) -> "WavLMConfig":
        for name, parts in (("heads", self.heads), ("the 16 groups of the position code", 16)):
            if not self.pretrained and self.hidden_size % parts:
                raise ValueError(f"hidden_size {self.hidden_size} is not divided by {name} ({parts})")
        return self


class AudioEncoderConfig(Section):
    """WavLM, learned layer weights, pooling, and an MLP; see the paper, section 2.3."""

    wavlm: WavLMConfig = WavLMConfig()
    """The backbone."""
    embedding_dim: PositiveInt = 512
    """Width of the embedding `a` that downstream tasks use."""
    attention_layers: Annotated[int, Field(ge=0)] = 0
    """BriVL's self-attention layers before pooling (the paper: 4; 0 leaves the block out)."""
    attention_heads: PositiveInt = 4
    """Attention heads of that block."""
    attention_feedforward: PositiveInt = 2048
    """Feed-forward width of that block (released BriVL: 2048)."""
    projection_hidden: PositiveInt = 512
    """Hidden width of the cross projections f and g."""
    window_seconds: Annotated[float, Field(gt=0)] = 2.0
    """The window that longer sounds are embedded in, and the training crop (the paper: 10)."""


class TrainingConfig(Section):
    """How the audio encoder is aligned with the teacher's image embeddings."""

    loss: Literal["cxloss", "in_batch"] = "cxloss"
    """`cxloss`: L(f(image), a) + L(image, g(a)) over MoCo queues; `in_batch`: without queues."""
    steps: PositiveInt = 400
    """Optimisation steps."""
    batch_size: PositiveInt = 40
    """Clips a step; it must divide queue_size."""
    learning_rate: PositiveFloat = 2e-3
    """Peak of the schedule (linear warm-up, cosine decay)."""
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps that warm up."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    """AdamW's weight decay, on matrices only."""
    queue_size: PositiveInt = 160
    """Negatives kept in each queue (the paper: 9600). Not the number of parallel instances."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """Momentum of the key networks that fill the queues."""
    batch_negatives: bool = True
    """The batch's other samples are negatives beside the queue's. The queue's are all older than the
    networks, so without these both sides of a pair can escape them together, and the embeddings of
    the audio space collapse to one point (measured; see docs/choices.md)."""
    momentum_scope: Literal["full", "heads"] = "heads"
    """`full`: every part has a momentum copy, which costs a second forward pass; `heads`: the MLP and
    the projections have one and read the trained backbone's features, without gradient."""
    temperature: PositiveFloat = 0.07
    """Fixed softmax temperature."""
    topk: Annotated[int, Field(ge=1, le=1)] = 1
    """Kept under its published name; the branch it governs is switched off in released BriVL."""
    mask_same: Literal["clip", "video"] = "clip"
    """Queue entries of the positive's own clip (or whole video) never count as negatives."""
    term_reduction: Literal["sum", "mean"] = "sum"
    """The loss's two terms are added, as the paper's formula has it, or averaged, as Wav2CLIP does."""
    backbone_rate_factor: PositiveFloat = 1.0
    """The backbone's learning rate as a multiple of learning_rate (below 1 for a pretrained one)."""
    crop_seconds: PositiveFloat | None = 1.5
    """Length of the random crops; null takes audio_encoder.window_seconds. Crops shorter than the
    clips cost less and show each event at another place (the paper: 10 s crops)."""
    noise_snr_db: tuple[float, float] | None = (5.0, 30.0)
    """Range of seeded noise mixed into training crops; null mixes none."""
    gain_db: Annotated[float, Field(ge=0)] = 6.0
    """Training crops are scaled by up to this much either way."""
    gradient_clip: PositiveFloat = 1.0
    """Norm that gradients are clipped to."""
    validate_every: PositiveInt = 80
    """Steps between two validations by retrieval; a checkpoint is written with each."""
    log_every: PositiveInt = 5
    """Steps between two rows of metrics.jsonl and TensorBoard."""
    validation_clips: PositiveInt = 2000
    """At most this many clips of the validation split, its first ones, are embedded in a validation."""
    cache_mib: Annotated[int, Field(ge=0)] = 1024
    """Sound that is kept decoded in memory, if all of it fits, in MiB; 0 always reads the shards."""

    @model_validator(mode="after")
    def _batch_divides_queue(self) -> "TrainingConfig":
        if self.loss == "cxloss" and self.queue_size % self.batch_size:
            raise ValueError(
                f"training.batch_size {self.batch_size} does not divide training.queue_size {self.queue_size}"
            )
        return self

    @model_validator(mode="after")
    def _noise_is_a_range(self) -> "TrainingConfig":
        if self.noise_snr_db and self.noise_snr_db[0] > self.noise_snr_db[1]:
            raise ValueError(f"training.noise_snr_db {list(self.noise_snr_db)} must go from low to high")
        return self
