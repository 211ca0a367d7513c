"""Wav2CLIP (Wu et al., 2022): a ResNet-18 on log spectrograms and a two-layer projection; 512 values.

Weights: the published `Wav2CLIP.pt`, one flat state dict with the prefixes `audio_encoder.`,
`audio_transform.` and `image_transform.` (the last one is of no use here).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torchaudio.transforms import Spectrogram
from torchvision.models import resnet18

from wavbrivl.audio.frames import Frames
from wavbrivl.evaluate.audio_files import RATE, all_to_rate
from wavbrivl.evaluate.encoders.base import Embedded, EncoderSettings
from wavbrivl.evaluate.encoders.weights import fill, read_weights

WINDOW = 512
HOP = 353
FRAME_SECONDS = 1.0
HOP_SECONDS = 0.05


class Wav2ClipNetwork(nn.Module):
    """The network; its keys are those of the published file, `image_transform.` left out."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_encoder = resnet18(weights=None)
        self.audio_encoder.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        self.audio_encoder.spectrogram = Spectrogram(n_fft=WINDOW, hop_length=HOP)
        self.audio_transform = nn.Module()
        self.audio_transform.sequential = nn.Sequential(
            nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.1), nn.Linear(512, 512)
        )

    def spectrograms(self, waveforms: Tensor) -> Tensor:
        """[batch, samples] to log spectrograms [batch, 1, 257, time], standardised as one tensor.

        Mean and deviation are those of all values together, as published: so whoever wants an
        embedding that does not depend on its neighbours passes one sound at a time.
        """
        power = torch.log(self.audio_encoder.spectrogram(waveforms[:, None]) + 1e-7)
        return (power - power.mean()) / (power.std() + 1e-9)

    def forward(self, spectrograms: Tensor) -> Tensor:
        """[batch, 1, 257, time] to [batch, 512], not normalised."""
        net, x = self.audio_encoder, spectrograms
        x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
        x = net.layer4(net.layer3(net.layer2(net.layer1(x))))
        return self.audio_transform.sequential(x.mean(dim=(2, 3)))


class Wav2Clip:
    """The published encoder: one vector for a whole sound, or frames of one second."""

    rate = RATE
    dim = 512

    def __init__(self, settings: EncoderSettings, name: str = "wav2clip") -> None:
        config = settings.models[name]
        self.name = name
        self._device = settings.device
        self._hop = config.hop_seconds or HOP_SECONDS
        self._network = Wav2ClipNetwork()
        weights = read_weights(Path(config.path))
        used = {key: value for key, value in weights.items() if not key.startswith("image_transform.")}
        fill(self._network, used, Path(config.path))
        self._network.to(settings.device).eval()

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> Embedded:
        """One sound at a time, because standardisation spans a batch; [n, 512]."""
        sounds = all_to_rate(waveforms, rate, self.rate)
        return Embedded(np.concatenate([self._run(_tiled(sound, WINDOW)[None], 1) for sound in sounds]))

    def frames(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> list[Frames]:
        """Windows of one second, a new one every `hop_seconds`; standardised over the whole sound."""
        return [self._sequence(sound, batch_size) for sound in all_to_rate(waveforms, rate, self.rate)]

    def _sequence(self, sound: np.ndarray, batch_size: int) -> Frames:
        length, hop = round(FRAME_SECONDS * RATE), round(self._hop * RATE)
        windows = np.lib.stride_tricks.sliding_window_view(_tiled(sound, length), length)[::hop]
        seconds = (np.arange(len(windows)) * hop + length / 2) / RATE
        # Where a sound is shorter than a window, the only window's middle is the sound's.
        return Frames(self._run(windows, batch_size), np.minimum(seconds, len(sound) / RATE))

    @torch.inference_mode()
    def _run(self, waveforms: np.ndarray, batch_size: int) -> np.ndarray:
        """[n, samples] of one sound to float32 [n, 512]."""
        pieces = torch.from_numpy(np.array(waveforms, dtype=np.float32)).to(self._device)
        spectrograms = self._network.spectrograms(pieces)
        return torch.cat([self._network(batch) for batch in spectrograms.split(batch_size)]).cpu().numpy()


def _tiled(sound: np.ndarray, length: int) -> np.ndarray:
    """At least `length` samples: the spectrogram's window needs them; silence would be heard."""
    return np.resize(sound, length) if len(sound) < length else sound
