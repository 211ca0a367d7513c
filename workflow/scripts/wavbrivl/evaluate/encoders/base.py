"""What every audio encoder offers to the evaluations, and what it may need to be built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from wavbrivl.audio.frames import Frames
from wavbrivl.config.evaluation import ModelConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.audio_files import RATE


@dataclass(frozen=True)
class Embedded:
    """Embeddings of n sounds.

    Attributes:
        embedding: [n, dim] float32, what downstream heads are trained on.
        projection: [n, teacher_dim] float32 of unit length in the teacher's space, or None where the
            encoder has no projection of its own and one has to be fitted.
    """

    embedding: np.ndarray
    projection: np.ndarray | None = None


class Encoder(Protocol):
    """From sounds to one vector each. An embedding never depends on the other sounds of the call.

    Attributes:
        name: as in configuration and tables.
        dim: width of an embedding.
        rate: sampling rate that the encoder reads. Whoever can reads sounds at this rate; other rates
            are resampled by the encoder, so 16 kHz sounds are always right.
    """

    name: str
    dim: int
    rate: int

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> Embedded:
        """Embed float32 mono sounds at `rate`, of any length above zero samples."""
        ...

    def frames(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> list[Frames]:
        """The same sounds as sequences in time, for event detection and captioning."""
        ...


@dataclass(frozen=True)
class EncoderSettings:
    """What an encoder may need to be built.

    Attributes:
        device: where torch computes.
        seed: seed of random weights.
        model: folder of the exported model, for those that are built from it.
        window_seconds: window that longer sounds are embedded in; None takes the model's own.
        models: the section `evaluate.models`, for encoders with weights of others.
    """

    device: torch.device
    seed: int
    model: Path | None = None
    window_seconds: float | None = None
    models: Mapping[str, ModelConfig] = field(default_factory=dict)


def model_folder(settings: EncoderSettings, name: str) -> Path:
    """The model folder of the settings.

    Raises:
        UserError: it is not there.
    """
    if settings.model is None or not (settings.model / "config.json").is_file():
        raise UserError(f"{settings.model}: not a model folder, which the encoder '{name}' needs")
    return settings.model
