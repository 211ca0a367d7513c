"""Log-mel statistics, the baseline that needs no weights and so always runs."""

from collections.abc import Sequence

import numpy as np
import torch
from torchaudio.transforms import MelSpectrogram

from wavbrivl.audio.frames import Frames
from wavbrivl.evaluate.audio_files import RATE, all_to_rate
from wavbrivl.evaluate.encoders.base import Embedded, EncoderSettings


class LogMel:
    """Log-mel statistics: mean and standard deviation over time of 64 bands. Needs no weights."""

    rate = RATE
    bands = 64
    window = 1024
    hop = 160

    def __init__(self, settings: EncoderSettings, name: str = "logmel") -> None:
        self.name = name
        self.dim = 2 * self.bands
        self._mel = MelSpectrogram(
            RATE, n_fft=self.window, win_length=400, hop_length=self.hop, n_mels=self.bands, f_min=50.0
        )

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> Embedded:
        """One sound at a time, so that lengths never meet; [n, 128]."""
        sounds = all_to_rate(waveforms, rate, self.rate)
        return Embedded(np.stack([self._statistics(sound) for sound in sounds]))

    def _statistics(self, waveform: np.ndarray) -> np.ndarray:
        bands = self._bands(waveform)
        spread = bands.std(dim=1, correction=0)
        return torch.cat([bands.mean(dim=1), spread]).numpy().astype(np.float32)

    def frames(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> list[Frames]:
        """The 64 bands every 10 ms."""
        return [self._sequence(sound) for sound in all_to_rate(waveforms, rate, self.rate)]

    def _sequence(self, waveform: np.ndarray) -> Frames:
        bands = self._bands(waveform).T.numpy().astype(np.float32)
        seconds = np.arange(len(bands)) * self.hop / RATE  # the transform centres its windows
        kept = seconds < max(len(waveform) / RATE, self.hop / RATE)
        return Frames(bands[kept], seconds[kept])

    def _bands(self, waveform: np.ndarray) -> torch.Tensor:
        """[bands, time]"""
        shortfall = -(-self.window // len(waveform))  # tiled: padding with silence would be heard
        sound = torch.from_numpy(np.tile(waveform, shortfall) if shortfall > 1 else waveform)
        return torch.log(self._mel(sound) + 1e-6)
