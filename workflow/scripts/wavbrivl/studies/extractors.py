"""The networks whose features FID, KID and Inception Score are computed on."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional

from wavbrivl.config.studies import FeaturesConfig
from wavbrivl.errors import UserError
from wavbrivl.files import sha256_of
from wavbrivl.studies.extraction import Extracted, Extractor
from wavbrivl.studies.network import load_classifier
from wavbrivl.studies.networks import EMBEDDED, INCEPTION, VGGSOUND
from wavbrivl.studies.training import Recipe

INCEPTION_SHA256 = "6726825d"
"""How the checksum of torch-fidelity's weights begins, as their file name says."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_PREFIXES = ("module.", "net.", "model.")


def open_extractors(
    names: Sequence[str], config: FeaturesConfig, trained: Path, device: torch.device
) -> list[Extractor]:
    """Open extractors by name, in that order.

    Args:
        trained: folder of the embedded one.

    Raises:
        UserError: weights that are not there, or not what they should be.
    """
    builders: dict[str, Callable[[], Extractor]] = {
        EMBEDDED: lambda: EmbeddedFeatures(trained, device),
        INCEPTION: lambda: InceptionCompat(Path(config.inception_v3_compat or ""), device),
        VGGSOUND: lambda: VggSoundInception(Path(config.vggsound_inception or ""), device),
    }
    return [builders[name]() for name in names]


def features_recipe(config: FeaturesConfig) -> Recipe:
    """How the embedded extractor is trained: on true colours, which FID should see."""
    return Recipe(24, config.steps, 40, 4e-3, recoloured=0.0, grayscale=0.0, degrade=False)


class EmbeddedFeatures:
    """The classifier of the corpus's own train frames; its features are what its last layer reads."""

    name = EMBEDDED

    def __init__(self, folder: Path, device: torch.device) -> None:
        self._classifier = load_classifier(folder, device)

    def extract(self, images: np.ndarray) -> Extracted:
        reading = self._classifier.read(images)
        return Extracted(reading.features, reading.logits)


class InceptionCompat:
    """TensorFlow's Inception as torch-fidelity has it: 2048 features and unbiased logits."""

    name = INCEPTION

    def __init__(self, weights: Path, device: torch.device) -> None:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        if not weights.is_file():
            raise UserError(f"studies.features.inception_v3_compat: there is no file {weights}")
        if not sha256_of(weights).startswith(INCEPTION_SHA256):
            raise UserError(f"{weights} is not torch-fidelity's Inception: its checksum is another")
        read_weights(weights)  # torch-fidelity unpickles whatever is there: first be sure that it is tensors
        self._network = FeatureExtractorInceptionV3(
            self.name, ["2048", "logits_unbiased"], feature_extractor_weights_path=str(weights)
        ).to(device)
        self._device = device

    @torch.no_grad()
    def extract(self, images: np.ndarray) -> Extracted:
        return _joined(self._network(batch.to(self._device)) for batch in _batches(images))


class VggSoundInception:
    """torchvision's Inception with the user's weights, fed as Sound2Scene's evaluation feeds it."""

    name = VGGSOUND

    def __init__(self, weights: Path, device: torch.device) -> None:
        from torchvision.models import inception_v3

        if not weights.is_file():
            raise UserError(f"studies.features.vggsound_inception: there is no file {weights}")
        tensors = {_bare(name): value for name, value in read_weights(weights).items()}
        tensors = {name: value for name, value in tensors.items() if name not in ("mean", "std")}
        if "fc.weight" not in tensors:
            raise UserError(f"{weights} holds no Inception: it has no 'fc.weight'")
        network = inception_v3(
            weights=None,
            num_classes=len(tensors["fc.weight"]),
            aux_logits=any(name.startswith("AuxLogits.") for name in tensors),
            transform_input=False,
            init_weights=False,
        )
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            raise UserError(f"{weights} holds no Inception of torchvision's ({error})") from None
        self._network = network.to(device).eval()
        self._features: Tensor | None = None
        network.avgpool.register_forward_hook(self._keep)
        self._device = device

    @torch.no_grad()
    def extract(self, images: np.ndarray) -> Extracted:
        return _joined(self._read(batch) for batch in _batches(images))

    def _read(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = (torch.tensor(values, device=self._device).view(1, 3, 1, 1) for values in (_MEAN, _STD))
        pixels = (batch.to(self._device).float() / 255 - mean) / std
        pixels = functional.interpolate(pixels, size=(299, 299), mode="bilinear", align_corners=True)
        logits = self._network(pixels)
        assert self._features is not None
        return self._features.flatten(1), logits

    def _keep(self, module: Any, inputs: Any, output: Tensor) -> None:
        self._features = output


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name from a safetensors file or from a checkpoint that holds nothing but tensors.

    Raises:
        UserError: it holds anything else, or is damaged.
    """
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, SafetensorError) as error:
        raise UserError(f"{path} cannot be read as weights ({str(error).splitlines()[0]})") from None
    except Exception as error:  # pickle's own errors: a file that is no checkpoint, or that holds code
        raise UserError(f"{path} holds something else than tensors ({type(error).__name__})") from None
    content = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path} holds something else than named tensors")
    return content


def _bare(name: str) -> str:
    """A weight's name without the prefixes that wrappers put before it."""
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _batches(images: np.ndarray, size: int = 32) -> Iterator[Tensor]:
    for first in range(0, len(images), size):
        yield torch.from_numpy(images[first : first + size]).permute(0, 3, 1, 2).contiguous()


def _joined(parts: Iterator[tuple[Tensor, Tensor]]) -> Extracted:
    features, logits = zip(*((a.float().cpu(), b.float().cpu()) for a, b in parts), strict=True)
    return Extracted(torch.cat(features).numpy(), torch.cat(logits).numpy())
