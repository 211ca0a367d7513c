"""The studies on drawn images: who judges them, what they are compared with, what people are asked."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wavbrivl.config.corpus import PositiveInt
from wavbrivl.config.section import Section

StudyName = Literal[
    "test", "control", "shuffled", "swap", "text", "image", "volume", "unguided", "guide_only", "best_of",
    "unmapped",
]  # fmt: skip
Share = Annotated[float, Field(ge=0, le=1)]


class JudgeConfig(Section):
    """Who says what a drawn image shows. Never the model that guided the drawing."""

    kind: Literal["embedded", "clip"] = "embedded"
    """`embedded`: a small network trained on the corpus's own train frames; `clip`: a CLIP-like model, asked
    with prompts (the published scores: ViT-B/32)."""
    clip: str | None = None
    """Folder of the CLIP-like model in the Hugging Face layout, for `clip`; not the teacher's."""
    prompts: Annotated[list[str], Field(min_length=1)] = ["a photo of {}"]
    """What `clip` is asked for each class; the embeddings of several are averaged."""
    width: PositiveInt = 24
    """Channels of the first layer of `embedded`; the last has four times as many."""
    steps: PositiveInt = 320
    """Optimisation steps of `embedded`."""
    batch_size: PositiveInt = 40
    """Frames a step."""
    learning_rate: Annotated[float, Field(gt=0)] = 4e-3
    """Peak of AdamW's one-cycle schedule."""
    recoloured: Share = 0.6
    """Share of each batch that is shown in other colours or in none, so that shapes must be learnt."""
    grayscale: Share = 0.4
    """Share of the recoloured frames that lose their colour; the others are turned to any hue."""
    frames_in_memory: PositiveInt = 20000
    """At most this many train frames are learnt from, chosen by the seed."""

    @model_validator(mode="after")
    def _a_clip_is_named(self) -> "JudgeConfig":
        if (self.kind == "clip") != (self.clip is not None):
            raise ValueError("studies.judge.clip names a model folder with studies.judge.kind 'clip' only")
        for template in self.prompts:
            if template.count("{}") != 1:
                raise ValueError(f"studies.judge.prompts: {template!r} must hold {{}} once, for the class")
        return self


class FeaturesConfig(Section):
    """The networks whose features FID, KID and Inception Score stand on; `embedded` is always there."""

    steps: PositiveInt = 160
    """Optimisation steps of `embedded`, a classifier of the corpus's own train frames."""
    inception_v3_compat: str | None = (
        "data/weights/inception-v3-compat/weights-inception-2015-12-05-6726825d.pth"
    )
    """torch-fidelity's weights of TensorFlow's Inception; where the file is absent, the table says so."""
    vggsound_inception: str | None = None
    """Sound2Scene's Inception trained on VGG-Sound, as a safetensors or weights-only file; the published
    FID and Inception Score are of that network."""
    splits: PositiveInt = 1
    """Parts of the images that the Inception Score is averaged over (published: 10, for thousands)."""


class HumanConfig(Section):
    """The page on which people judge, and how their answers are read."""

    answers: str = "data/answers"
    """Folder of the files that raters exported from the page."""
    tests: PositiveInt = 3
    """Tests, each with questions of its own (the paper: 3)."""
    questions: PositiveInt = 5
    """Questions of each test about each system."""
    contact: str = ""
    """A line for raters at the end of the page, such as where to send the file."""


class StudiesConfig(Section):
    """The paper's studies: Tables 3 and 4, Figures 2, 3 and 5."""

    sets: Annotated[list[StudyName], Field(min_length=1)] = [
        "test", "control", "shuffled", "swap", "text", "volume", "unguided", "guide_only", "best_of"
    ]  # fmt: skip
    """The sets of drawings that are made, judged and shown; `test` must be among them (docs/studies.md)."""
    judge: JudgeConfig = JudgeConfig()
    """Who judges."""
    features: FeaturesConfig = FeaturesConfig()
    """What FID, KID and Inception Score stand on."""
    clip: str | None = "data/weights/clip-vit-base-patch32"
    """Folder of a CLIP in the Hugging Face layout, to compare with: what latent optimisation draws under its
    score from text (the paper's Figure 2), and from Wav2CLIP's embeddings (Figure 5) where the weights of
    evaluate.models.wav2clip are there too; where it is absent, the figures say so."""
    clips: PositiveInt = 18
    """Clips of the picture of sounds and drawings, drawn by the seed (the paper: 18 of AudioSet)."""
    human: HumanConfig = HumanConfig()
    """Human judgement."""

    @model_validator(mode="after")
    def _sounds_are_drawn(self) -> "StudiesConfig":
        if "test" not in self.sets:
            raise ValueError("studies.sets must hold 'test', which every other set is compared with")
        return self
