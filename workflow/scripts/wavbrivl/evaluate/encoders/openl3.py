"""OpenL3 (Cramer et al., 2019), 512 values, 256 mel bands, environmental videos, in torchopenl3's weights.

Weights: the published `torchopenl3_mel256_env_512.pth.tar`, a state dict with the layer names of
the original Keras model; the spectrogram's kernels and the mel matrix are part of it.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from wavbrivl.audio.frames import Frames
from wavbrivl.evaluate.audio_files import RATE, all_to_rate
from wavbrivl.evaluate.encoders.base import Embedded, EncoderSettings
from wavbrivl.evaluate.encoders.weights import fill, read_weights

NATIVE = 48_000
HOP_SECONDS = 0.1
BINS, TAPS, STRIDE, BANDS = 1025, 2048, 242, 256
PADDING = (TAPS - NATIVE % STRIDE) // 2
"""Zeros at either end of a window, so that it has 199 columns (Keras's "same" padding)."""

CHANNELS = (1, 64, 64, 128, 128, 256, 256, 512)
POOLED_AFTER = (2, 4, 6)
LAST_POOL = (32, 24)


class MelSpectrogram(nn.Module):
    """Decibels below the maximum, [batch, 1, 256, 199]; kernels come with the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("dft_real_kernels", torch.zeros(BINS, 1, TAPS))
        self.register_buffer("dft_imag_kernels", torch.zeros(BINS, 1, TAPS))
        self.register_buffer("mel_basis", torch.zeros(BANDS, BINS))

    def forward(self, windows: Tensor) -> Tensor:
        padded = functional.pad(windows[:, None], (PADDING, PADDING))
        real = functional.conv1d(padded, self.dft_real_kernels, stride=STRIDE)
        imaginary = functional.conv1d(padded, self.dft_imag_kernels, stride=STRIDE)
        amplitude = torch.sqrt(self.mel_basis @ (real**2 + imaginary**2))
        decibels = 10 * torch.log10(amplitude.clamp(min=1e-10))
        below = decibels - decibels.amax(dim=(1, 2), keepdim=True)
        return below.clamp(min=-80.0)[:, None]


class OpenL3Network(nn.Module):
    """Eight 3x3 convolutions; the names are those of the published weights."""

    def __init__(self) -> None:
        super().__init__()
        self.speclayer = MelSpectrogram()
        for i, width in enumerate(CHANNELS, start=1):
            self.add_module(f"batch_normalization_{i}", nn.BatchNorm2d(width, eps=0.001))
        for i, (inputs, outputs) in enumerate(pairwise(CHANNELS), start=1):
            self.add_module(f"conv2d_{i}", nn.Conv2d(inputs, outputs, 3, padding=1))
        self.audio_embedding_layer = nn.Conv2d(CHANNELS[-1], 512, 3, padding=1)

    def forward(self, windows: Tensor) -> Tensor:
        """Windows of one second at 48 kHz, [batch, 48000], to [batch, 512]."""
        x = self.batch_normalization_1(self.speclayer(windows))
        for i in range(1, len(CHANNELS)):
            x = self.get_submodule(f"conv2d_{i}")(x)
            x = functional.relu(self.get_submodule(f"batch_normalization_{i + 1}")(x))
            if i in POOLED_AFTER:
                x = functional.max_pool2d(x, 2)
        return functional.max_pool2d(self.audio_embedding_layer(x), LAST_POOL).flatten(1)


class OpenL3:
    """Windows of one second around points `hop_seconds` apart; a sound's vector is their mean."""

    rate = NATIVE
    dim = 512

    def __init__(self, settings: EncoderSettings, name: str = "openl3") -> None:
        config = settings.models[name]
        self.name = name
        self._device = settings.device
        self._hop = round((config.hop_seconds or HOP_SECONDS) * NATIVE)
        self._network = OpenL3Network()
        fill(self._network, read_weights(Path(config.path)), Path(config.path))
        self._network.to(settings.device).eval()

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> Embedded:
        """The mean of a sound's frames; [n, 512]."""
        sequences = self.frames(waveforms, batch_size, rate)
        return Embedded(np.stack([sequence.features.mean(axis=0) for sequence in sequences]))

    def frames(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> list[Frames]:
        """One vector every `hop_seconds`, from the second around that point."""
        return [self._sequence(sound, batch_size) for sound in all_to_rate(waveforms, rate, self.rate)]

    def _sequence(self, sound: np.ndarray, batch_size: int) -> Frames:
        windows = cut_windows(sound, self._hop)
        features = [self._run(windows[i : i + batch_size]) for i in range(0, len(windows), batch_size)]
        seconds = np.arange(len(windows)) * self._hop / NATIVE
        return Frames(np.concatenate(features), seconds)

    @torch.inference_mode()
    def _run(self, windows: np.ndarray) -> np.ndarray:
        return self._network(torch.from_numpy(windows.copy()).to(self._device)).cpu().numpy()


def cut_windows(sound: np.ndarray, hop: int) -> np.ndarray:
    """Windows of one second, the middle of the first one at 0, zeros where there is no sound.

    Args:
        sound: float32 [samples] at 48 kHz.
        hop: samples between windows.

    Returns:
        [n, 48000]; the last window is the first one that reaches the end of the sound.
    """
    length = NATIVE // 2 + len(sound)
    count = 1 + max(0, -(-(length - NATIVE) // hop))
    padded = np.zeros((count - 1) * hop + NATIVE, dtype=np.float32)
    padded[NATIVE // 2 : length] = sound
    return np.lib.stride_tricks.sliding_window_view(padded, NATIVE)[::hop]
