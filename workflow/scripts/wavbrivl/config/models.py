"""The frozen teacher, the audio encoder and how it is trained."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wavbrivl.config.corpus import PositiveInt
from wavbrivl.config.section import Section

PositiveFloat = Annotated[float, Field(gt=0)]
SevenSizes = Annotated[list[PositiveInt], Field(min_length=7, max_length=7)]


class ImageTowerConfig(Section):
    """BriVL's image tower. Released BriVL: EfficientNet-B5, 2048 dimensions, 4 layers, 4 heads."""

    backbone: str = "test_efficientnet"
    """timm model id (released BriVL: `tf_efficientnet_b5`; the paper's sentence: `tf_efficientnet_b7`)."""
    output_stride: Literal[8, 16, 32] = 16
    """Pixels a cell of the feature map; below 32 the last stages keep their resolution (released: 32)."""
    classifier: Annotated[int, Field(ge=0)] = 0
    """Outputs of the backbone's unused classifier, which released checkpoints carry (released: 1000)."""
    image_size: PositiveInt = 64
    """Side of the square that the tower sees (released BriVL: 380 or 456)."""
    antialias: bool = True
    """Smooth before shrinking to that square (released BriVL: false)."""
    box_grid: PositiveInt = 6
    """Regions: box_grid x box_grid tiles and the whole image (6 gives BriVL's 37)."""
    grid_size: PositiveInt = 4
    """Sampling lattice inside each region, averaged afterwards. It has nothing to do with detection."""
    width: PositiveInt = 64
    """Width of a region in the self-attention layers; the heads divide it (released: 2048)."""
    layers: PositiveInt = 2
    """Self-attention layers over the regions (released: 4)."""
    heads: PositiveInt = 4
    """Attention heads of each layer (released: 4)."""
    feedforward: PositiveInt = 64
    """Feed-forward width of these layers (released: 2048)."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout in these layers, in training only (released: 0.1)."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "ImageTowerConfig":
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} does not divide width {self.width}")
        return self


class TextTowerConfig(Section):
    """BriVL's text tower: a BERT, self-attention layers, a two-layer projection."""

    hidden_size: PositiveInt = 64
    """Width of the BERT (released BriVL: 768)."""
    bert_layers: PositiveInt = 1
    """Layers of the BERT (released: 12)."""
    bert_heads: PositiveInt = 4
    """Attention heads of the BERT (released: 12)."""
    intermediate_size: PositiveInt = 128
    """Feed-forward width of the BERT (released: 3072)."""
    positions: PositiveInt = 64
    """Longest text that the BERT has positions for (released: 512)."""
    layers: PositiveInt = 1
    """Self-attention layers on top (released: 4)."""
    heads: PositiveInt = 4
    """Attention heads on top (released: 4)."""
    feedforward: PositiveInt = 128
    """Feed-forward width of the layers on top (released: 2048)."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout in the BERT and in these layers, in training only (released: 0.1)."""
    max_length: Annotated[int, Field(ge=3)] = 24
    """Tokens that every text is padded to; the BERT attends to the padding (released: 80)."""

    @model_validator(mode="after")
    def _widths_fit(self) -> "TextTowerConfig":
        if self.hidden_size % self.bert_heads or self.hidden_size % self.heads:
            raise ValueError(f"bert_heads and heads must divide hidden_size {self.hidden_size}")
        if self.max_length > self.positions:
            raise ValueError(f"max_length {self.max_length} is more than positions {self.positions}")
        return self


class TeacherTrainingConfig(Section):
    """BriVL's own two-queue objective on the corpus's captions, where no checkpoint is configured."""

    steps: PositiveInt = 260
    """Optimisation steps."""
    batch_size: PositiveInt = 64
    """Image-text pairs a step; it must divide queue_size."""
    learning_rate: PositiveFloat = 2e-3
    """Peak of the one-cycle schedule."""
    warmup_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the steps that climb to the peak."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    """AdamW's weight decay."""
    queue_size: PositiveInt = 512
    """Negatives in each of the two queues (released BriVL: 9600)."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """Momentum of the key towers (released BriVL: 0.99); if low, keys drift and training collapses."""
    temperature: PositiveFloat = 0.07
    """Fixed softmax temperature."""
    label_probability: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of texts that are the label alone, so that zero-shot prompts are not foreign to the tower."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Colour jitter as a share of BriVL's (0.4 brightness, contrast and saturation, 0.1 hue)."""
    jitter_probability: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Share of training images that are jittered (BriVL: 0.8)."""
    grayscale_probability: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of training images that lose their colour (BriVL: 0.2)."""
    images_in_memory: Annotated[int, Field(ge=0)] = 20000
    """Up to this many frames are decoded once and kept; a larger corpus is read as it goes."""
    checkpoint_every: PositiveInt = 100
    """Steps between two checkpoints, from which a killed training continues."""

    @model_validator(mode="after")
    def _batch_divides_queue(self) -> "TeacherTrainingConfig":
        if self.queue_size % self.batch_size:
            raise ValueError(
                f"teacher.training.batch_size {self.batch_size} does not divide queue_size {self.queue_size}"
            )
        return self


class TeacherConfig(Section):
    """The frozen vision-language model whose space the audio encoder joins."""

    kind: Literal["brivl"] = "brivl"
    """`brivl`: the towers of BriVL, from a checkpoint or trained on the corpus's captions."""
    checkpoint: str | None = None
    """Path of a released BriVL checkpoint; null trains a small teacher on the corpus's captions."""
    checkpoint_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Checksum of the checkpoint, verified before it is read."""
    vocabulary: str | None = None
    """WordPiece vocabulary of the text tower; null builds one from the training captions."""
    language: Literal["zh", "en"] = "zh"
    """Language of captions and prompts; released BriVL reads Chinese."""
    embedding_dim: PositiveInt = 256
    """Width of the shared space (released BriVL: 2048)."""
    image: ImageTowerConfig = ImageTowerConfig()
    """The image tower."""
    text: TextTowerConfig = TextTowerConfig()
    """The text tower."""
    training: TeacherTrainingConfig = TeacherTrainingConfig()
    """How the small teacher is trained; not used with a checkpoint."""
    embed_batch_size: PositiveInt = 64
    """Images a batch when embeddings are computed."""
    dtype: Literal["float32", "float16"] = "float32"
    """How image embeddings are stored."""


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
    loudness: bool = False
    """Give the MLP the logarithm of the sound's RMS beside WavLM's features, which hardly see gain."""
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
