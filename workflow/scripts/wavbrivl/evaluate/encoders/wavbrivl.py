"""The trained encoder, and the same architecture with weights that were never trained."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from wavbrivl.audio.frames import Frames
from wavbrivl.evaluate.audio_files import RATE, all_to_rate
from wavbrivl.evaluate.encoders.base import Embedded, EncoderSettings, model_folder


class WavBriVL:
    """The trained encoder: `a` for downstream heads, g(a) in the teacher's space."""

    rate = RATE

    def __init__(self, settings: EncoderSettings, name: str = "wavbrivl") -> None:
        from wavbrivl.audio.modeling import WavBriVLModel

        self.name = name
        self._start(WavBriVLModel.from_pretrained(model_folder(settings, self.name)), settings)

    def _start(self, model: Any, settings: EncoderSettings) -> None:
        self._model = model.to(settings.device).eval()
        self._window = settings.window_seconds
        self.dim = model.config.embedding_dim

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> Embedded:
        """[n, 512] and its projection into the teacher's space."""
        from wavbrivl.audio.embedding import embed_waveforms

        result = embed_waveforms(
            self._model, all_to_rate(waveforms, rate, self.rate), batch_size, self._window
        )
        return Embedded(np.asarray(result.embedding), np.asarray(result.projection))

    def frames(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> list[Frames]:
        """The weighted sum of WavLM's layers, a vector every 20 ms."""
        from wavbrivl.audio.embedding import embed_frames

        return embed_frames(self._model, all_to_rate(waveforms, rate, self.rate), batch_size, self._window)


class RandomWeights(WavBriVL):
    """The architecture of the model folder with weights that were never trained."""

    def __init__(self, settings: EncoderSettings, name: str = "random") -> None:
        from wavbrivl.audio.configuration import WavBriVLConfig
        from wavbrivl.audio.modeling import WavBriVLModel

        self.name = name
        config = WavBriVLConfig.from_pretrained(model_folder(settings, self.name))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            model = WavBriVLModel(config)
        self._start(model, settings)

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> Embedded:
        """[n, 512]; its g was never trained either, so a projection is fitted as for any baseline."""
        return Embedded(super().embed(waveforms, batch_size, rate).embedding)
