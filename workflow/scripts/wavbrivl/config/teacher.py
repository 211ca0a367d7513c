"""The frozen teacher: released BriVL, one trained here, or a model of the hub."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wavbrivl.config.corpus import PositiveInt, is_address
from wavbrivl.config.section import Section

PositiveFloat = Annotated[float, Field(gt=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


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
    normalise: bool = True
    """Subtract ImageNet's mean and divide by its deviation, as BriVL does; the paper's author leaves it out
    when pictures are ranked."""
    box_grid: PositiveInt = 6
    """Regions: box_grid x box_grid tiles and the whole image (6 gives BriVL's 37)."""
    regions: Literal["grid", "whole", "boxes"] = "grid"
    """`grid`: tiles and the whole image (NMI's training); `whole`: the whole image alone, as the paper's
    author ranks pictures; `boxes`: a detector's, from the folder teacher.boxes (BAAI's training)."""
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
    """The frozen vision-language model whose space the audio encoder joins (docs/teachers.md)."""

    kind: Literal["brivl", "huggingface"] = "brivl"
    """`brivl`: the towers of BriVL, from a checkpoint or trained on the corpus's captions;
    `huggingface`: a CLIP, Chinese-CLIP, SigLIP or SigLIP 2, whose folder decides all but the language."""
    model: str | None = None
    """Kind huggingface: a hub id, which is fetched by a rule, or a folder."""
    revision: Commit | None = None
    """The commit of that hub id; null takes the one in the registry of weights (docs/teachers.md)."""
    checkpoint: str | None = None
    """Kind brivl: path or address of a released checkpoint; null trains a small teacher on the captions."""
    checkpoint_sha256: Sha256 | None = None
    """Checksum of the checkpoint, verified before it is read; an address needs it."""
    vocabulary: str | None = None
    """Kind brivl: WordPiece vocabulary of the text tower; null builds one from the training captions."""
    language: Literal["zh", "en"] | None = None
    """Language of captions and prompts; null is the model's own: Chinese for BriVL and for models with
    `chinese` in their name, English for the others."""
    embedding_dim: PositiveInt = 256
    """Kind brivl: width of the shared space (released BriVL: 2048)."""
    image: ImageTowerConfig = ImageTowerConfig()
    """Kind brivl: the image tower."""
    text: TextTowerConfig = TextTowerConfig()
    """Kind brivl: the text tower."""
    training: TeacherTrainingConfig = TeacherTrainingConfig()
    """How the small teacher is trained; not used with a checkpoint or a hub's model."""
    boxes: str | None = None
    """Folder with a detector's boxes, `<shard>.jsonl` (docs/teachers.md); used by image.regions `boxes`."""
    views: Annotated[int, Field(ge=0)] = 0
    """Augmented views of every training frame beside the plain one: BriVL's colour jitter and grayscale."""
    embed_batch_size: PositiveInt = 64
    """Images a batch when embeddings are computed."""
    precision: Literal["float32", "float16", "bfloat16"] = "float32"
    """Arithmetic of the towers when frames are embedded on a GPU; a CPU always takes float32."""
    dtype: Literal["float32", "float16"] = "float32"
    """How image embeddings are stored."""

    @model_validator(mode="after")
    def _language_of_the_model(self) -> "TeacherConfig":
        if self.language is None:
            english = self.kind == "huggingface" and "chinese" not in str(self.model).lower()
            # Not an assignment: the key counts as not given, so its stated default stays `null`.
            object.__setattr__(self, "language", "en" if english else "zh")
        return self

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> "TeacherConfig":
        if self.kind == "huggingface" and not self.model:
            raise ValueError("kind huggingface needs teacher.model, a hub id or a folder")
        if self.kind == "huggingface" and self.checkpoint:
            raise ValueError("teacher.checkpoint goes with kind brivl; set it to null")
        if self.kind == "brivl" and self.model:
            raise ValueError("teacher.model goes with kind huggingface")
        if is_address(self.checkpoint or "") and not self.checkpoint_sha256:
            raise ValueError("teacher.checkpoint is an address, so teacher.checkpoint_sha256 is needed")
        if self.boxes and self.image.regions != "boxes":
            raise ValueError("teacher.boxes is read where teacher.image.regions is 'boxes'")
        return self
