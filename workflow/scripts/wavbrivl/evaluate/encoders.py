"""Audio encoders behind one interface. A new one is a class here and a line in `ENCODERS`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torchaudio.transforms import MelSpectrogram

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
    """From sounds to one vector each. An embedding never depends on the other sounds of the call."""

    name: str
    dim: int

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int) -> Embedded:
        """Embed float32 16 kHz mono sounds of any length above zero samples."""
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


class LogMel:
    """Log-mel statistics: mean and standard deviation over time of 64 bands. Needs no weights."""

    name = "logmel"
    bands = 64
    window = 1024

    def __init__(self, settings: EncoderSettings) -> None:
        self.dim = 2 * self.bands
        self._mel = MelSpectrogram(
            RATE, n_fft=self.window, win_length=400, hop_length=160, n_mels=self.bands, f_min=50.0
        )

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int) -> Embedded:
        """One sound at a time, so that lengths never meet; [n, 128]."""
        return Embedded(np.stack([self._statistics(waveform) for waveform in waveforms]))

    def _statistics(self, waveform: np.ndarray) -> np.ndarray:
        shortfall = -(-self.window // len(waveform))  # tiled: padding with silence would be heard
        sound = torch.from_numpy(np.tile(waveform, shortfall) if shortfall > 1 else waveform)
        frames = torch.log(self._mel(sound) + 1e-6)
        spread = frames.std(dim=1, correction=0)
        return torch.cat([frames.mean(dim=1), spread]).numpy().astype(np.float32)


class WavBriVL:
    """The trained encoder: `a` for downstream heads, g(a) in the teacher's space."""

    name = "wavbrivl"

    def __init__(self, settings: EncoderSettings) -> None:
        from wavbrivl.audio.modeling import WavBriVLModel

        self._start(WavBriVLModel.from_pretrained(_folder(settings, self.name)), settings)

    def _start(self, model: Any, settings: EncoderSettings) -> None:
        self._model = model.to(settings.device).eval()
        self._window = settings.window_seconds
        self.dim = model.config.embedding_dim

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int) -> Embedded:
        """[n, 512] and its projection into the teacher's space."""
        from wavbrivl.audio.embedding import embed_waveforms

        result = embed_waveforms(self._model, list(waveforms), batch_size, self._window)
        return Embedded(np.asarray(result.embedding), np.asarray(result.projection))


class RandomWeights(WavBriVL):
    """The architecture of the model folder with weights that were never trained."""

    name = "random"

    def __init__(self, settings: EncoderSettings) -> None:
        from wavbrivl.audio.configuration import WavBriVLConfig
        from wavbrivl.audio.modeling import WavBriVLModel

        config = WavBriVLConfig.from_pretrained(_folder(settings, self.name))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            model = WavBriVLModel(config)
        self._start(model, settings)

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int) -> Embedded:
        """[n, 512]; its g was never trained either, so a projection is fitted as for any baseline."""
        return Embedded(super().embed(waveforms, batch_size).embedding)


ENCODERS: dict[str, Callable[[EncoderSettings], Encoder]] = {
    "wavbrivl": WavBriVL,
    "random": RandomWeights,
    "logmel": LogMel,
}
"""Every encoder by the name that configuration and tables use."""


def load_encoder(name: str, settings: EncoderSettings) -> Encoder:
    """Build an encoder by name.

    Raises:
        UserError: for a name that is not registered, or a model folder that is not there.
    """
    if name not in ENCODERS:
        raise UserError(f"evaluate.encoders: there is no encoder '{name}'; known are {', '.join(ENCODERS)}")
    return ENCODERS[name](settings)


def _folder(settings: EncoderSettings, name: str) -> Path:
    if settings.model is None or not (settings.model / "config.json").is_file():
        raise UserError(f"{settings.model}: not a model folder, which the encoder '{name}' needs")
    return settings.model
