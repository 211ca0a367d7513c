"""What every audio encoder offers to the evaluations, and what it may need to be built."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from wavbrivl.audio.frames import Frames
from wavbrivl.errors import UserError


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
    """From sounds to one vector each. An embedding never depends on the other sounds of the call."""

    name: str
    dim: int

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int) -> Embedded:
        """Embed float32 16 kHz mono sounds of any length above zero samples."""
        ...

    def frames(self, waveforms: Sequence[np.ndarray], batch_size: int) -> list[Frames]:
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
    """

    device: torch.device
    seed: int
    model: Path | None = None
    window_seconds: float | None = None


def model_folder(settings: EncoderSettings, name: str) -> Path:
    """The model folder of the settings.

    Raises:
        UserError: it is not there.
    """
    if settings.model is None or not (settings.model / "config.json").is_file():
        raise UserError(f"{settings.model}: not a model folder, which the encoder '{name}' needs")
    return settings.model
