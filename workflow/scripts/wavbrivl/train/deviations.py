"""How a run differs from the paper, a sentence each, read off its configuration.

What the paper says and what it leaves open is in docs/choices.md. Keys about which it is silent (steps, batch
size, learning rate and the like) are no deviations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from wavbrivl.config.corpus import CorpusConfig, MediaConfig
from wavbrivl.config.models import AudioEncoderConfig, TeacherConfig, TrainingConfig
from wavbrivl.config.root import Config
from wavbrivl.train.chosen import settings_used

ENCODER = {
    "audio_encoder.embedding_dim": (512, "The embedding has {} values; the paper: 512"),
    "audio_encoder.attention_layers": (4, "{} self-attention layers stand before pooling; the paper: 4"),
    "audio_encoder.window_seconds": (10, "Sounds are embedded in windows of {:g} s; the paper: 10 s"),
    "audio_encoder.loudness": (False, "The encoder reads the sound's loudness too; the paper's does not"),
    "audio_encoder.wavlm.mask_time_prob": (0, "SpecAugment masks time ({:g}); the paper's does not"),
    "audio_encoder.wavlm.mask_feature_prob": (0, "SpecAugment masks features ({:g}); the paper's does not"),
    "training.term_reduction": ("sum", "The two terms of the loss are averaged; the paper adds them"),
    "training.noise_snr_db": (
        None, "Noise of {0[0]:g} to {0[1]:g} dB SNR is mixed into training crops; the paper speaks of none"
    ),
    "training.gain_db": (0, "Training crops are scaled by up to {:g} dB; the paper speaks of no gain"),
    "media.frames": (1, "{} frames stand for a clip; the paper: one"),
    "media.square": ("crop", "Frames become square by a change of their aspect ratio; the paper crops"),
    "teacher.views": (0, "Training frames have {} augmented views each; the paper speaks of none"),
}  # fmt: skip
"""Of every run, by key: what the paper says, and the sentence for whatever differs."""

QUEUES = {
    "training.queue_size": (9600, "Each queue holds {} negatives; the paper: 9600"),
    "training.momentum": (0.99, "The momentum of the key networks is {:g}; the paper: 0.99"),
    "training.momentum_scope": (
        "full", "Only the MLP and the projections have momentum copies; the paper: the encoders"
    ),
    "training.batch_negatives": (
        False, "The batch's other samples are negatives beside the queues'; the paper: the queues' alone"
    ),
    "training.temperature": (0.07, "The temperature is {:g}; the paper: 0.07"),
}  # fmt: skip
"""Of a run with the loss `cxloss`."""

BRIVL = {
    "teacher.image.backbone": (
        "tf_efficientnet_b7", "The image tower's CNN is {}; the paper: EfficientNet-B7 (released BriVL: B5)"
    ),
    "teacher.embedding_dim": (2048, "The teacher's space has {} dimensions; released BriVL's: 2048"),
    "teacher.image.image_size": (360, "The teacher sees the paper's squares of 360 pixels resized to {}"),
    "teacher.image.box_grid": (6, "An image has {0} x {0} regions and the whole; BriVL: 6 x 6"),
    "teacher.image.grid_size": (4, "Each region is sampled on a lattice of {0} x {0}; the paper: 4 x 4"),
    "teacher.image.regions": ("grid", "The regions of an image are `{}`; the paper's: tiles and the whole"),
    "teacher.image.width": (2048, "Regions have {} values; BriVL: 2048"),
    "teacher.image.layers": (4, "{} self-attention layers over the regions; BriVL: 4"),
    "teacher.image.heads": (4, "{} heads in the layers over the regions; BriVL: 4"),
    "teacher.image.normalise": (True, "Colours of images are not normalised; BriVL normalises them"),
    "teacher.text.bert_layers": (12, "The text tower's BERT has {} layers; BriVL: 12"),
    "teacher.text.hidden_size": (768, "The text tower's BERT has width {}; BriVL: 768"),
    "teacher.text.max_length": (80, "Texts are padded to {} tokens; BriVL: 80"),
}  # fmt: skip
"""Of a run whose teacher has BriVL's towers."""


@dataclass(frozen=True)
class Settings:
    """The sections that can differ from the paper; encoder and training as a grid search left them."""

    corpus: Mapping[str, Any]
    teacher: TeacherConfig
    media: MediaConfig
    audio_encoder: AudioEncoderConfig
    training: TrainingConfig


def deciding(config: Config) -> dict[str, Any]:
    """The keys that `read_settings` takes, as plain values for a rule's parameters."""
    teacher = {
        "kind",
        "model",
        "revision",
        "checkpoint",
        "checkpoint_sha256",
        "embedding_dim",
        "image",
        "text",
        "views",
    }
    return {
        "corpus": {"vggsound": _is_vggsound(config.corpus), "clip_seconds": config.corpus.clip_seconds},
        "teacher": config.teacher.model_dump(mode="json", include=teacher),
        "media": config.media.model_dump(mode="json", include={"frames", "square"}),
        "audio_encoder": config.audio_encoder.model_dump(mode="json"),
        "training": config.training.model_dump(mode="json"),
    }


def read_settings(values: Mapping[str, Any], chosen: Path | str | None = None) -> Settings:
    """What `deciding` gave, with the point that a grid search chose (its chosen.json)."""
    encoder, training = settings_used(values["audio_encoder"], values["training"], chosen)
    return Settings(
        values["corpus"],
        TeacherConfig(**values["teacher"]),
        MediaConfig(**values["media"]),
        encoder,
        training,
    )


def deviations(settings: Settings) -> list[str]:
    """Sentences, the data first, then teacher, encoder and objective."""
    brivl = settings.teacher.kind == "brivl"
    return [
        *_corpus(settings.corpus),
        *_teacher(settings.teacher),
        *(_differing(BRIVL, settings) if brivl else []),
        *_encoder(settings),
        *_differing(ENCODER, settings),
        *_objective(settings),
    ]


def _corpus(corpus: Mapping[str, Any]) -> list[str]:
    said = []
    if not corpus["vggsound"]:
        said.append("The training clips are not VGG-Sound's (`corpus.format`); the paper's are.")
    if corpus["clip_seconds"] != 10:
        said.append(f"Clips last {corpus['clip_seconds']:g} s (`corpus.clip_seconds`); the paper's: 10 s.")
    return said


def _teacher(teacher: TeacherConfig) -> list[str]:
    if teacher.kind == "huggingface":
        name = PurePosixPath(str(teacher.model)).name
        return [f"The teacher is {name}, a CLIP-like model (`teacher.kind`); the paper: BriVL."]
    if teacher.checkpoint is None:
        return [
            "The teacher is a BriVL trained from scratch on this corpus's captions (`teacher.checkpoint`); "
            "the paper: the released one."
        ]
    return []


def _encoder(settings: Settings) -> list[str]:
    wavlm, crop = settings.audio_encoder.wavlm, settings.training.crop_seconds
    said = [
        "WavLM reads the raw waveform; the paper speaks of a spectrogram, which WavLM does not take.",
        f"The embedding has {settings.audio_encoder.embedding_dim} values and the teacher's space a width of "
        "its own; the cross projections lead from one to the other.",
    ]
    if wavlm.pretrained is None:
        said.append(
            f"WavLM has {wavlm.layers} layers of width {wavlm.hidden_size} and began with random weights "
            "(`audio_encoder.wavlm.pretrained`); the paper: a pretrained one."
        )
    crop = crop or settings.audio_encoder.window_seconds
    if crop != 10:
        said.append(f"Training crops last {crop:g} s (`training.crop_seconds`); the paper: 10 s.")
    return said


def _objective(settings: Settings) -> list[str]:
    training = settings.training
    same = f"of the positive's own {training.mask_same} (`training.mask_same`)"
    if training.loss == "cxloss":
        entries = "Queue entries and samples of the batch" if training.batch_negatives else "Queue entries"
        return [
            "The image tower is frozen, so positives are online on both sides; with BriVL's loss taken "
            "literally one direction would carry no gradient.",
            *_differing(QUEUES, settings),
            f"{entries} {same} are no negatives, and neither are queue entries that are not filled yet; the "
            "paper masks none.",
        ]
    own = {
        "in_batch": "Wav2CLIP's: the batch's other samples are the negatives, both directions are averaged",
        "siglip": "SigLIP's: a sigmoid of each pair of the batch, with a learned scale and bias",
    }[training.loss]
    said = [
        f"The loss is {own}, without queues and momentum copies (`training.loss`); the paper: BriVL's.",
        f"Samples of the batch {same} are no negatives; the paper masks none.",
    ]
    # SigLIP's learned scale only begins at the temperature.
    fixed = {"training.temperature": QUEUES["training.temperature"]} if training.loss == "in_batch" else {}
    return said + _differing(fixed, settings)


def _differing(table: Mapping[str, tuple[Any, str]], settings: Settings) -> list[str]:
    said = []
    for key, (paper, sentence) in table.items():
        value: Any = settings
        for part in key.split("."):
            value = getattr(value, part)
        if value != paper:
            said.append(f"{sentence.format(value)} (`{key}`).")
    return said


def _is_vggsound(corpus: CorpusConfig) -> bool:
    return bool(corpus.clip_list) and all(file.format == "vggsound" for file in corpus.clip_list)
