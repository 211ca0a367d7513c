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
from wavbrivl.errors import UserError

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
    mask_time_prob: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """SpecAugment while the backbone is trained: share of the frames that begin a masked span, over
    mask_time_length, as WavLM counts it (its own pre-training: 0.05); 0 masks nothing in time."""
    mask_time_length: PositiveInt = 10
    """Frames of 20 ms in a masked span of time (published WavLM: 10)."""
    mask_feature_prob: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The same over the features of a frame, which become zero (published WavLM: 0)."""
    mask_feature_length: PositiveInt = 10
    """Features in a masked span (published WavLM: 10)."""
    freeze: bool = False
    """Keep the backbone as it is and train only what stands on it."""

    @model_validator(mode="after")
    def _width_divides(self) -> "WavLMConfig":
        for name, parts in (("heads", self.heads), ("the 16 groups of the position code", 16)):
            if not self.pretrained and self.hidden_size % parts:
                raise ValueError(f"hidden_size {self.hidden_size} is not divided by {name} ({parts})")
        return self

    @model_validator(mode="after")
    def _masks_fit(self) -> "WavLMConfig":
        if self.freeze and self.masked:
            raise ValueError("mask_time_prob and mask_feature_prob mask nothing while freeze is true")
        if self.mask_feature_prob > 0 and self.mask_feature_length > self.hidden_size:
            raise ValueError(
                f"mask_feature_length {self.mask_feature_length} is more than hidden_size {self.hidden_size}"
            )
        return self

    @property
    def masked(self) -> bool:
        """Whether SpecAugment is on."""
        return self.mask_time_prob > 0 or self.mask_feature_prob > 0


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
    loudness: bool = False
    """Give the MLP the logarithm of the sound's RMS beside WavLM's features, which hardly see gain."""
    window_seconds: Annotated[float, Field(gt=0)] = 2.0
    """The window that longer sounds are embedded in, and the training crop (the paper: 10)."""

    @model_validator(mode="after")
    def _attention_heads_divide_width(self) -> "AudioEncoderConfig":
        # A pretrained backbone's width is its folder's: wavbrivl.audio.fit.
        width = self.wavlm.hidden_size
        if self.attention_layers and not self.wavlm.pretrained and width % self.attention_heads:
            raise ValueError(
                f"audio_encoder.attention_heads {self.attention_heads} does not divide "
                f"audio_encoder.wavlm.hidden_size {width}"
            )
        return self


class TrainingConfig(Section):
    """How the audio encoder is aligned with the teacher's image embeddings."""

    loss: Literal["cxloss", "in_batch", "siglip"] = "cxloss"
    """L(f(image), a) + L(image, g(a)) with, for L, `cxloss`: InfoNCE over MoCo queues; `in_batch`:
    Wav2CLIP's, whose negatives are the batch's other samples; `siglip`: SigLIP's sigmoid of each pair
    of the batch. The keys of queues and momentum belong to `cxloss` alone."""
    steps: PositiveInt = 400
    """Optimisation steps."""
    batch_size: PositiveInt = 40
    """Clips of an optimisation step, all GPUs and accumulated parts together; with `cxloss` it must
    divide queue_size. It decides the result, the number of GPUs that share it does not."""
    accumulate: PositiveInt = 1
    """Parts that a step's clips go through the encoder in, one after the other, where they do not fit
    into memory together. Every loss sees the vectors of all parts (they are computed once without
    gradient, then part by part with it: one more forward pass), and the queues are fed once a step:
    but for rounding, dropout and SpecAugment the result is that of one part."""
    learning_rate: PositiveFloat = 2e-3
    """Peak of the schedule (linear warm-up, cosine decay)."""
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps that warm up."""
    patience: PositiveInt | None = None
    """Validations in a row without a better MRR after which training ends; null trains every step.
    The schedule is that of all steps in either case."""
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
    """Fixed softmax temperature; with `siglip` the first value of a learned one (SigLIP: 0.1)."""
    siglip_bias: float = -10.0
    """First value of the bias that `siglip` learns in each of the two spaces (SigLIP: -10)."""
    topk: Annotated[int, Field(ge=1, le=1)] = 1
    """In BriVL it marks further positives: queue items among the top-k of both modalities. That branch is
    switched off in the release, and so here; the paper's sentence, that topk keeps "only the top-scoring
    prediction", is wrong (docs/choices.md). The key is kept under its published name and takes only 1."""
    mask_same: Literal["clip", "video"] = "clip"
    """What is of the positive's own clip (or whole video) never counts as a negative."""
    term_reduction: Literal["sum", "mean"] = "sum"
    """The loss's two terms are added, as the paper's formula has it, or averaged, as Wav2CLIP does."""
    backbone_rate_factor: PositiveFloat = 1.0
    """The backbone's learning rate as a multiple of learning_rate (below 1 for a pretrained one)."""
    crop_seconds: Annotated[float, Field(ge=0.025)] | None = 1.5
    """Length of the random crops; null takes audio_encoder.window_seconds. Crops shorter than the
    clips cost less and show each event at another place (the paper: 10 s crops)."""
    noise_snr_db: tuple[float, float] | None = (5.0, 30.0)
    """Range of seeded noise mixed into training crops; null mixes none."""
    gain_db: Annotated[float, Field(ge=0)] = 6.0
    """Training crops are scaled by up to this much either way."""
    gradient_clip: PositiveFloat = 1.0
    """Norm that gradients are clipped to."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """What the encoder computes in while it is trained; `auto`: bfloat16 (autocast) on a GPU, float32
    on a CPU. Vectors, losses, weights and validation are float32."""
    activation_checkpointing: bool = False
    """Keep only what enters each of WavLM's transformer layers and compute the rest again for the gradient:
    the same result in less memory and a third more time. The optional self-attention block keeps its own."""
    compile: bool = False
    """Compile the backbone with torch.compile: faster on a GPU after some minutes, other rounding."""
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
    def _parts_divide_batch(self) -> "TrainingConfig":
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"training.accumulate {self.accumulate} does not divide training.batch_size {self.batch_size}"
            )
        return self

    @model_validator(mode="after")
    def _noise_is_a_range(self) -> "TrainingConfig":
        if self.noise_snr_db and self.noise_snr_db[0] > self.noise_snr_db[1]:
            raise ValueError(f"training.noise_snr_db {list(self.noise_snr_db)} must go from low to high")
        return self


def check_crop(audio: AudioEncoderConfig, training: TrainingConfig) -> None:
    """Refuse masked spans of time that are longer than a training crop.

    Raises:
        ValueError: naming both keys.
    """
    seconds = training.crop_seconds or audio.window_seconds
    frames = (round(seconds * 16000) - 400) // 320 + 1
    if audio.wavlm.mask_time_prob > 0 and audio.wavlm.mask_time_length > frames:
        raise ValueError(
            f"audio_encoder.wavlm.mask_time_length {audio.wavlm.mask_time_length} is more than the {frames} "
            f"frames of a training crop of {seconds:g} s"
        )


def check_shares(training: TrainingConfig, gpus: int) -> None:
    """Refuse a number of GPUs that, with the accumulated parts, does not divide the batch.

    Raises:
        UserError: naming the keys.
    """
    if training.batch_size % (gpus * training.accumulate):
        raise UserError(
            f"training.batch_size {training.batch_size} is not divided by {gpus} GPUs times "
            f"training.accumulate {training.accumulate}"
        )
