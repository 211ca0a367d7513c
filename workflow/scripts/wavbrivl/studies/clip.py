"""A CLIP-like model from a folder: images and texts in, unit vectors out, with gradients where asked for.

It judges drawings (`studies.judge.clip`), or it is compared with: the paper's Figures 2 and 5 show what
CLIP's space gives beside BriVL's (`studies.clip`).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wavbrivl.errors import UserError


class Clip:
    """A frozen CLIP, Chinese-CLIP or SigLIP in the Hugging Face layout, offline.

    Args:
        folder: of the model and its processor.
        device: where it computes.
        key: the configuration key that named it, for messages.

    Raises:
        UserError: the folder holds no such model.
    """

    def __init__(self, folder: Path, device: torch.device, key: str) -> None:
        from transformers import AutoModel, AutoProcessor

        try:
            model = AutoModel.from_pretrained(folder, local_files_only=True)
            self._processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            said = str(error).splitlines()[0]
            raise UserError(f"{key}: {folder} holds no CLIP-like model ({said})") from None
        self._model = model.to(device).eval().requires_grad_(False)
        self.device = device
        self.image_size = int(model.config.vision_config.image_size)
        self.scale = float(self._model.logit_scale.exp())
        """What cosines are multiplied with before a softmax, as the model was trained."""

    @torch.no_grad()
    def embed_images(self, images: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Embed uint8 [n, h, w, 3], prepared by the model's own processor: float32 [n, d], unit length."""
        rows = []
        for first in range(0, len(images), batch_size):
            batch = self._processor(images=list(images[first : first + batch_size]), return_tensors="pt")
            rows.append(self._features(batch["pixel_values"].to(self.device)))
        return torch.cat(rows).cpu().numpy()

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts: float32 [n, d], unit length."""
        # SigLIP was trained on texts padded to their greatest length, and knows no other.
        padding = "max_length" if "siglip" in self._model.config.model_type else True
        batch = self._processor(text=list(texts), return_tensors="pt", padding=padding).to(self.device)
        return _unit(self._model.get_text_features(**batch)).cpu().numpy()

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """Embed float [B, 3, S, S] in [0, 1] with gradients: [B, d], unit length."""
        size = (self.image_size, self.image_size)
        seen = functional.interpolate(pixels, size=size, mode="bicubic", antialias=True, align_corners=False)
        image = self._processor.image_processor
        mean, std = (
            torch.tensor(values, device=pixels.device).view(1, 3, 1, 1)
            for values in (image.image_mean, image.image_std)
        )
        return self._features((seen - mean) / std)

    def _features(self, pixels: Tensor) -> Tensor:
        return _unit(self._model.get_image_features(pixel_values=pixels))


class ClipGuide:
    """CLIP in the place of `wavbrivl.generate.guide.Guide`, for a generator that follows a score.

    `teacher` is the CLIP itself: a generator asks it for `image_size`.
    """

    def __init__(self, clip: Clip) -> None:
        self.teacher = clip

    def scores(self, images: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Cosine of each uint8 image [n, side, side, 3] with its own unit vector, float64 [n]."""
        embedded = self.teacher.embed_images(images)
        return (embedded.astype(np.float64) * vectors.astype(np.float64)).sum(axis=1)

    def embed(self, pixels: Tensor) -> Tensor:
        """Embeddings that gradients flow through, of float [B, 3, S, S] in [0, 1]."""
        return self.teacher.embed_pixels(pixels)


def _unit(output: object) -> Tensor:
    """Features of unit length; transformers returns a tensor or an output that holds it."""
    tensor = output if isinstance(output, Tensor) else output.pooler_output  # type: ignore[attr-defined]
    return functional.normalize(tensor.float(), dim=-1)
