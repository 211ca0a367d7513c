"""A small classifier of frames that also reads hidden parameters; its last layer's inputs are features."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from wavbrivl.errors import UserError
from wavbrivl.files import atomic, read_json, write_json
from wavbrivl.studies.frames import HIDDEN, at_side

WEIGHTS, ABOUT = "model.safetensors", "config.json"


class FrameNetwork(nn.Module):
    """Five convolutions at falling resolution, mean and maximum over the plane, two linear heads.

    Args:
        classes: how many.
        width: channels of the first layer; the last has four times as many.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        channels = (3, width, 2 * width, 2 * width, 4 * width, 4 * width)
        strides = (2, 2, 1, 2, 2)
        layers: list[nn.Module] = []
        for inputs, outputs, stride in zip(channels, channels[1:], strides, strict=False):
            layers += [
                nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers)
        self.classify = nn.Linear(8 * width, classes)
        self.measure = nn.Linear(8 * width, len(HIDDEN))

    def features(self, pixels: Tensor) -> Tensor:
        """[b, 3, side, side] in [0, 1] to [b, 8 * width]."""
        plane = self.layers((pixels - 0.5) / 0.25)
        return torch.cat([plane.mean(dim=(2, 3)), plane.amax(dim=(2, 3))], dim=1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [b, classes] and hidden parameters [b, 3]."""
        features = self.features(pixels)
        return self.classify(features), self.measure(features)


@dataclass(frozen=True)
class Reading:
    """What a network sees in n images: logits [n, classes], hidden [n, 3], features [n, d]; float32."""

    logits: np.ndarray
    hidden: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class FrameClassifier:
    """A trained network, the classes it knows in their order, and what it was trained on."""

    network: FrameNetwork
    labels: tuple[str, ...]
    about: dict[str, Any]

    @torch.no_grad()
    def read(self, images: np.ndarray, batch_size: int = 256) -> Reading:
        """Read uint8 images [n, any, any, 3]; a result never depends on the other images."""
        self.network.eval()
        device = next(self.network.parameters()).device
        images = at_side(images)
        parts: list[tuple[Tensor, Tensor, Tensor]] = []
        for first in range(0, len(images), batch_size):
            features = self.network.features(as_pixels(images[first : first + batch_size]).to(device))
            parts.append((self.network.classify(features), self.network.measure(features), features))
        joined = [torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True)]
        return Reading(*joined)


def as_pixels(images: np.ndarray) -> Tensor:
    """uint8 [n, h, w, 3] to float32 [n, 3, h, w] in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def save_classifier(folder: Path, classifier: FrameClassifier, clip_ids: Sequence[str]) -> None:
    """Write weights, what they are, and `clips.txt`: every clip that was learnt from."""
    weights = {name: value.contiguous().cpu() for name, value in classifier.network.state_dict().items()}
    with atomic(folder / WEIGHTS) as temporary:
        safetensors.torch.save_file(weights, temporary)
    with atomic(folder / "clips.txt") as temporary:
        temporary.write_text("".join(f"{name}\n" for name in sorted(set(clip_ids))), encoding="utf-8")
    write_json(folder / ABOUT, {"labels": list(classifier.labels), **classifier.about})


def load_classifier(folder: Path, device: torch.device) -> FrameClassifier:
    """Read what `save_classifier` wrote.

    Raises:
        UserError: a file is missing or does not fit the other.
    """
    try:
        about = read_json(folder / ABOUT)
        network = FrameNetwork(len(about["labels"]), about["width"])
        network.load_state_dict(safetensors.torch.load_file(folder / WEIGHTS))
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{folder} holds no classifier of frames ({error})") from None
    return FrameClassifier(network.to(device).eval(), tuple(about.pop("labels")), about)
