"""Pictures from sound: three generators, how they are trained and how they draw."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from wavbrivl.config.corpus import PositiveInt
from wavbrivl.config.models import PositiveFloat
from wavbrivl.config.section import Section
from wavbrivl.generate.study import GENERATORS
from wavbrivl.named_class import is_named_class

Share = Annotated[float, Field(ge=0, le=1)]
Dropout = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=0)]
GeneratorName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,19}$")]

TAKEN = {*GENERATORS, "clip", "wav2clip", "real", "mapping", "conditions"}
"""Names of generators and of other things beside them."""


class StepsConfig(Section):
    """How one network is trained."""

    steps: PositiveInt = 300
    """Optimisation steps."""
    batch_size: PositiveInt = 32
    """Frames a step."""
    learning_rate: PositiveFloat = 2e-3
    """Peak of the schedule (linear warm-up over a tenth of the steps, cosine decay)."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    """AdamW's weight decay."""
    gradient_clip: PositiveFloat = 1.0
    """Longest gradient, as a norm."""
    bfloat16: bool = True
    """Compute forward and backward passes in bfloat16 where that is faster; weights stay in float32."""
    checkpoint_every: PositiveInt = 200
    """Steps between two checkpoints, from which a killed training continues."""


class DvaeConfig(Section):
    """The discrete VAE that turns a picture into tokens and back."""

    codes: PositiveInt = 256
    """Size of the codebook (the paper: 8192)."""
    downsamples: PositiveInt = 2
    """Halvings of the picture: 2 turn 32 pixels into 8 x 8 tokens (the paper: 3, 256 into 32 x 32)."""
    hidden: PositiveInt = 64
    """Channels of the convolutions (DALLE-pytorch's training script: 256)."""
    code_dim: PositiveInt = 64
    """Width of a code (DALLE-pytorch: 512)."""
    residual_blocks: Count = 1
    """Residual blocks on the token grid, in the encoder and in the decoder (DALLE-pytorch: 2)."""
    temperature_start: PositiveFloat = 1.0
    """Temperature of the Gumbel softmax in the first step (DALLE-pytorch: 1.0)."""
    temperature_end: PositiveFloat = 0.3
    """And at the end of the annealing, which is exponential (DALLE-pytorch: 0.5)."""
    hard_share: Share = 0.4
    """Share of the steps, at the end, in which codes are drawn hard (straight through) and the
    temperature stays at its end."""
    entropy_weight: Annotated[float, Field(ge=0)] = 0.02
    """Weight of the entropy of the codes' marginal distribution, which keeps all codes in use."""
    training: StepsConfig = StepsConfig(steps=700, learning_rate=3e-3, weight_decay=0.0)
    """Its training."""


class TransformerConfig(Section):
    """The autoregressive transformer over prefix, text and image tokens (a GPT-2 decoder)."""

    width: PositiveInt = 128
    """Width (DALLE-pytorch's example: 1024)."""
    layers: PositiveInt = 4
    """Layers (DALLE-pytorch's example: 12)."""
    heads: PositiveInt = 4
    """Attention heads (DALLE-pytorch's example: 16)."""
    dropout: Dropout = 0.1
    """Dropout, in training only."""
    text_length: PositiveInt = 8
    """Text tokens, of a vocabulary of the training clips' words; shorter texts are padded (the paper: 256
    of 1280)."""
    prefix_length: PositiveInt = 1
    """Tokens that the teacher's embedding is projected to, the paper's fused token."""
    fusion_hidden: PositiveInt = 256
    """Hidden width of the network that adds the embedding to every image place."""
    prefix_dropout: Share = 0.15
    """Share of the training frames whose prefix is the learned empty one."""
    text_dropout: Share = 0.5
    """Share of the training frames whose text is empty, drawn apart from the prefix's."""
    prefix_noise: Annotated[float, Field(ge=0)] = 0.8
    """Length of the noise on the image's embedding in training, drawn evenly from zero: sound and image
    embeddings differ by about as much."""
    text_loss: Share = 0.125
    """Weight of the text tokens' cross entropy, image tokens having the rest (DALLE-pytorch: 1 to 7)."""
    training: StepsConfig = StepsConfig(steps=400, weight_decay=0.05)
    """Its training."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "TransformerConfig":
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} does not divide width {self.width}")
        return self


class DalleDrawConfig(Section):
    """How DALL·E draws: candidates, judged by the guide, the best of which primes the next round."""

    prefix: bool = True
    """Give the transformer the sound's embedding; without it, the sound only chooses."""
    text: bool = False
    """Give the transformer the sound's zero-shot label as text."""
    mapping: bool = True
    """Map the sound's embedding to where images lie (generate.mapping); the guide's never is."""
    selection: Literal["guided", "best_of", "random"] = "guided"
    """`guided`: rounds, each primed by the best so far; `best_of`: as many candidates as all rounds have,
    at once; `random`: one of the first round's candidates, unseen by the guide."""
    candidates: PositiveInt = 6
    """Candidates a round (OpenAI's DALL·E: 512 in one)."""
    rounds: PositiveInt = 3
    """Rounds."""
    priming: Annotated[float, Field(ge=0, lt=1)] = 0.4375
    """Share of the image tokens that a round takes over from the best picture (DALLE-pytorch: 0.4375)."""
    temperature: PositiveFloat = 0.8
    """Temperature of the image tokens' softmax."""
    top_k: Count = 0
    """Draw from so many likeliest tokens only; 0 for all."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Draw from the likeliest tokens that together have this probability."""
    guidance: Annotated[float, Field(ge=0)] = 2.0
    """Classifier-free guidance: 1 is the condition alone, more goes further away from the unconditioned."""
    batch_size: PositiveInt = 240
    """Candidates side by side."""


class DalleConfig(Section):
    """DALL·E as the paper describes it: a discrete VAE and an autoregressive transformer."""

    image_size: PositiveInt = 32
    """Side of the pictures (the paper: 256)."""
    dvae: DvaeConfig = DvaeConfig()
    """Pictures as tokens."""
    transformer: TransformerConfig = TransformerConfig()
    """Text and image tokens, one after the other."""
    draw: DalleDrawConfig = DalleDrawConfig()
    """Drawing."""

    @model_validator(mode="after")
    def _grid_is_whole(self) -> "DalleConfig":
        if self.image_size % 2**self.dvae.downsamples:
            raise ValueError(
                f"dvae.downsamples {self.dvae.downsamples} do not divide image_size {self.image_size}"
            )
        return self


class UnetConfig(Section):
    """The conditional UNet (diffusers' UNet2DConditionModel, the embedding as its class embedding)."""

    patch: PositiveInt = 2
    """Pixels along an edge that are folded into channels, so that the UNet sees a smaller grid."""
    channels: Annotated[list[PositiveInt], Field(min_length=2)] = [64, 96, 128]
    """Channels of each level; every level after the first halves the grid."""
    layers: PositiveInt = 1
    """Residual blocks of each level."""
    groups: PositiveInt = 16
    """Groups of the normalisation; they divide all channels."""
    sketch_hidden: PositiveInt = 512
    """Hidden width of the network that expects a mean picture for an embedding, laid beside the noisy one."""

    @model_validator(mode="after")
    def _groups_divide(self) -> "UnetConfig":
        if any(width % self.groups for width in self.channels):
            raise ValueError(f"groups {self.groups} does not divide every one of channels {self.channels}")
        return self


class DiffusionDrawConfig(Section):
    """How the diffusion model draws."""

    sampler: Literal["ddim", "dpmsolver++"] = "dpmsolver++"
    """The sampler."""
    steps: PositiveInt = 12
    """Denoising steps."""
    guidance: Annotated[float, Field(ge=0)] = 1.5
    """Classifier-free guidance: 1 is the condition alone."""
    mapping: bool = True
    """Map the sound's embedding to where images lie (generate.mapping)."""
    candidates: PositiveInt = 1
    """Pictures drawn of each condition, of which the guide keeps the best."""
    batch_size: PositiveInt = 64
    """Pictures side by side."""


class DiffusionConfig(Section):
    """Audio-driven diffusion: trained on frames under the teacher's image embedding."""

    released: str | None = None
    """Folder of a released pipeline that takes image embeddings (Stable unCLIP, Kandinsky 2.2, or Stable
    Diffusion with an IP-Adapter), which is driven instead; the teacher must be the model whose embeddings it
    was trained on."""
    released_adapter: str | None = None
    """File of an IP-Adapter's weights (safetensors) for a Stable Diffusion in `released`."""
    released_norm: PositiveFloat | None = None
    """Length that unit embeddings are given for it; null takes it from the pipeline's own statistics."""
    image_size: PositiveInt = 32
    """Side of the pictures (the paper, 2.2: 64)."""
    unet: UnetConfig = UnetConfig()
    """The network."""
    noise_steps: PositiveInt = 1000
    """Steps of the noise schedule (squared cosine)."""
    condition_dropout: Share = 0.1
    """Share of the training frames without their condition."""
    condition_noise: Annotated[float, Field(ge=0)] = 0.8
    """Length of the noise on the condition in training, drawn evenly from zero."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.995
    """Decay of the moving average of the weights, which is what is saved."""
    sketch: StepsConfig = StepsConfig(steps=600, batch_size=64, weight_decay=0.05, bfloat16=False)
    """Training of the network that expects the mean picture."""
    training: StepsConfig = StepsConfig(steps=600, batch_size=16, learning_rate=1.5e-3)
    """Training of the UNet."""
    draw: DiffusionDrawConfig = DiffusionDrawConfig()
    """Drawing."""

    @model_validator(mode="after")
    def _grid_is_whole(self) -> "DiffusionConfig":
        coarsest = self.unet.patch * 2 ** (len(self.unet.channels) - 1)
        if self.image_size % coarsest:
            raise ValueError(f"image_size {self.image_size} is no multiple of the UNet's {coarsest} pixels")
        return self


class VqConfig(Section):
    """The VQ model (diffusers' VQModel) whose latent is moved."""

    codes: PositiveInt = 256
    """Size of the codebook (VQGAN f16: 16384)."""
    code_dim: PositiveInt = 8
    """Width of a code."""
    channels: Annotated[list[PositiveInt], Field(min_length=2)] = [16, 32]
    """Channels of each level; every level after the first halves the grid."""
    groups: PositiveInt = 8
    """Groups of the normalisation; they divide all channels."""
    components: Annotated[int, Field(ge=0)] = 64
    """Principal components of the latents of training frames, along which the latent is moved; 0 moves it
    freely, as Wav2CLIP does, which a small VQ model answers with noise. A released model is moved freely."""
    training: StepsConfig = StepsConfig(steps=700, batch_size=8, learning_rate=4e-3, weight_decay=0.0)
    """Its training."""


class LatentDrawConfig(Section):
    """How the latent is moved; the defaults in brackets are VQGAN-CLIP's."""

    steps: PositiveInt = 50
    """Steps of gradient descent (500)."""
    learning_rate: PositiveFloat = 0.25
    """Adam's step size (0.1)."""
    prior: Annotated[float, Field(ge=0)] = 0.05
    """Weight of the mean square of the coordinates where the latent is moved along components: keeps it
    where real frames are."""
    cutouts: PositiveInt = 4
    """Random crops of the picture that are scored in each step (32)."""
    smallest_cutout: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Shortest edge of a crop, as a share of the picture's."""
    jitter: Annotated[float, Field(ge=0)] = 0.1
    """Colour jitter of each crop: brightness, contrast and saturation."""
    erasing: Share = 0.3
    """Probability that a patch of a crop is erased."""
    noise: Annotated[float, Field(ge=0)] = 0.1
    """Gaussian noise on each crop, its strength drawn evenly up to this (0.1)."""
    start: Literal["random", "noise"] = "random"
    """Where a freely moved latent begins: `random` codes, or the code of random pixels (`noise`)."""
    items: PositiveInt = 30
    """At most this many conditions of a study are drawn: this generator is by far the slowest."""
    batch_size: PositiveInt = 16
    """Pictures moved side by side; it does not change the result beyond rounding."""


class LatentConfig(Section):
    """Optimisation of a latent under the teacher's score, as Wav2CLIP does with VQGAN-CLIP."""

    released: str | None = None
    """Folder of a released VQ model in diffusers' layout; null trains a small one."""
    image_size: PositiveInt = 32
    """Side of the pictures (VQGAN-CLIP: 512)."""
    vq: VqConfig = VqConfig()
    """The VQ model."""
    draw: LatentDrawConfig = LatentDrawConfig()
    """Drawing."""


class MappingConfig(Section):
    """From where sounds (and texts) lie in the teacher's space to where images lie."""

    kind: Literal["moments", "linear"] = "linear"
    """`moments`: equal mean and variance in each dimension; `linear`: a ridge regression that falls back
    on the identity."""
    ridge: PositiveFloat = 10.0
    """Strength of that pull."""


class OwnGeneratorConfig(Section):
    """A generator of somebody's own."""

    kind: str
    """`module:Class`: a class on the Python path that has the generators' interface (docs/generation.md)."""
    image_size: PositiveInt = 32
    """Pixels along an edge of the training frames that it is given."""
    settings: dict[str, Any] = {}
    """Handed to the class as they are."""

    @field_validator("kind")
    @classmethod
    def _kind_is_a_class(cls, kind: str) -> str:
        if not is_named_class(kind):
            raise ValueError(f"the kind must be module:Class, got '{kind}'")
        return kind


class GenerateConfig(Section):
    """Pictures from sound."""

    items: PositiveInt = 60
    """Held-out clips that the studies draw, spread over the classes."""
    repeats: PositiveInt = 2
    """Drawings of each, with seeds of their own: FID, KID and Inception Score have a spread over them.
    Studies that vary how is drawn have one."""
    together: bool = True
    """All sets of a generator are drawn by one job: right where loading models takes longer than drawing.
    Otherwise each set is a job of its own, so that they run side by side and one is drawn again alone."""
    frames_in_memory: PositiveInt = 20000
    """Training frames kept in memory at most; of more, a seeded sample is taken."""
    mapping: MappingConfig = MappingConfig()
    """The map between the modalities."""
    dalle: DalleConfig = DalleConfig()
    """The first generator."""
    diffusion: DiffusionConfig = DiffusionConfig()
    """The second."""
    latent: LatentConfig = LatentConfig()
    """The third."""
    own: dict[GeneratorName, OwnGeneratorConfig] = {}
    """Further ones, by the name that heads their rows: no underscore, and none of the names above."""

    @field_validator("own")
    @classmethod
    def _names_are_free(cls, own: dict[str, OwnGeneratorConfig]) -> dict[str, OwnGeneratorConfig]:
        if taken := sorted(TAKEN & own.keys()):
            raise ValueError(f"the name '{taken[0]}' is taken")
        return own
