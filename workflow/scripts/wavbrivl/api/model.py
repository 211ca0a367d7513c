"""The trained encoder with its teacher: embed, compare, classify."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wavbrivl.api import images as image_input
from wavbrivl.api import sounds as sound_input
from wavbrivl.api.labels import ask_for
from wavbrivl.api.load import load_encoder, load_fitting_teacher
from wavbrivl.api.places import find_model, find_teacher
from wavbrivl.audio.embedding import Embeddings
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.audio.stream import embed_streams
from wavbrivl.errors import UserError
from wavbrivl.evaluate.label_texts import class_vectors
from wavbrivl.teacher.model import Teacher

Failed = Callable[[int, UserError], None]


class WavBriVL:
    """Sounds, images and texts in one space.

    Make one with `from_pretrained`. Sounds need the encoder alone; images and texts need the teacher,
    which is read when it is first used.

    Attributes:
        encoder: the encoder, a `transformers` model in evaluation mode.
        sampling_rate: 16000; other rates are resampled.
        embedding_dim: width of `a`, the embedding for downstream tasks (the paper: 512).
        teacher_dim: width of the shared space (released BriVL: 2048).
    """

    def __init__(
        self,
        encoder: WavBriVLModel,
        folder: Path,
        teacher: Path | str | None,
        device: torch.device,
        local_files_only: bool = False,
        teacher_revision: str | None = None,
    ) -> None:
        """Put the parts together; `from_pretrained` is what reads them."""
        self.encoder = encoder
        self.device = device
        self.sampling_rate = encoder.config.sampling_rate
        self.embedding_dim = encoder.config.embedding_dim
        self.teacher_dim = encoder.config.teacher_dim
        self._folder, self._teacher = folder, teacher
        self._local, self._teacher_revision = local_files_only, teacher_revision

    @classmethod
    def from_pretrained(
        cls,
        source: Path | str,
        teacher: Path | str | None = None,
        device: torch.device | str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        teacher_revision: str | None = None,
    ) -> "WavBriVL":
        """Load an exported model.

        Args:
            source: the model's folder, or its id on the Hugging Face hub (`owner/name`); a folder is
                read without a network. Only safetensors are loaded.
            teacher: the teacher's folder or hub id; None looks for `teacher/` in the model's folder, then
                beside it, where the pipeline leaves it.
            device: None takes `cuda` where there is a GPU, else `cpu`.
            revision: commit, tag or branch of the model on the hub.
            local_files_only: take hub ids from the hub's cache or not at all.
            teacher_revision: commit, tag or branch of a teacher that has a hub id of its own.

        Raises:
            UserError: nothing there, or weights that do not fit the configuration.
        """
        folder, chosen = find_model(source, revision, local_files_only), _device(device)
        return cls(load_encoder(folder, chosen), folder, teacher, chosen, local_files_only, teacher_revision)

    @property
    def space(self) -> str | None:
        """Digest of the teacher's weights, the name of the shared space; None if the model does not tell."""
        return (self.encoder.config.teacher or {}).get("weights_sha256")

    @cached_property
    def teacher(self) -> Teacher:
        """The frozen teacher.

        Raises:
            UserError: it is not there, or it is another one than the encoder's.
        """
        folder = find_teacher(self._folder, self._teacher, self._teacher_revision, self._local)
        return load_fitting_teacher(folder, self.encoder.config, self.device)

    def embed_audio(
        self,
        sounds: Any,
        sampling_rate: int | None = None,
        batch_size: int = 16,
        failed: Failed | None = None,
    ) -> Embeddings:
        """Embed one sound or several, of any length, rate, depth and number of channels.

        A sound longer than the model's window is the length-weighted mean of its windows; files are
        streamed. An embedding never depends on the other sounds of the call.

        Args:
            sounds: a path (wav, flac, mp3, m4a, video, ...), a waveform, or a list of either. A waveform
                is [samples] or [channels, samples] (numpy, torch), floating point about in [-1, 1], or
                integers over the whole range of their type.
            sampling_rate: of the waveforms, in Hz; files tell their own.
            batch_size: windows embedded side by side.
            failed: called with a sound's number and its error instead of raising it; that sound has no
                row in the result.

        Returns:
            `embedding`: `a`, float32 [n, embedding_dim], not normalised, for downstream tasks.
            `projection`: g(a), float32 [n, teacher_dim], unit length, comparable with images and texts.

        Raises:
            UserError: one sentence for a sound that cannot be read, is empty or holds NaN.
        """
        streams = (sound_input.blocks_of(s, sampling_rate) for s in sound_input.as_list(sounds))
        return embed_streams(self.encoder, streams, batch_size, failed=failed)

    def embed_images(self, images: Any, batch_size: int = 32, failed: Failed | None = None) -> np.ndarray:
        """Embed one image or several with the teacher.

        Args:
            images: a path, a PIL image, an array uint8 [height, width, 3], or a list of these; any sizes.
                Each becomes a square, whatever its aspect ratio, as BriVL reads it.
            batch_size: images a forward pass.
            failed: as in `embed_audio`.

        Returns:
            float32 [n, teacher_dim], unit length.

        Raises:
            UserError: one sentence for an image that cannot be read, or there is no teacher.
        """
        rows, batch = [], []
        for pixels in _each(image_input.as_list(images), image_input.pixels_of, failed):
            batch.append(pixels)
            if len(batch) == batch_size:
                rows.append(self.teacher.embed_images(batch, batch_size))
                batch = []
        rows.append(self.teacher.embed_images(batch, batch_size))
        return np.concatenate(rows)

    def embed_texts(self, texts: str | Sequence[str], batch_size: int = 64) -> np.ndarray:
        """Embed texts in the teacher's language: float32 [n, teacher_dim], unit length.

        Released BriVL reads Chinese (`teacher.language` tells).

        Raises:
            UserError: a text that is empty, or there is no teacher.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        for number, text in enumerate(texts):
            if not text.strip():
                raise UserError(f"text {number} is empty")
        return self.teacher.embed_texts(texts, batch_size)

    def label_vectors(
        self, labels: Sequence[str] | Mapping[str, str], templates: Sequence[str] | None = None
    ) -> np.ndarray:
        """The mean embedding of each label's prompts: float64 [labels, teacher_dim], unit length.

        Args:
            labels: as they are to be asked for, or from each label to its words in the teacher's language.
            templates: texts with `{}` for the label; None takes the project's for that language.

        Raises:
            UserError: no labels, one twice, or a template without its place.
        """
        prompts = ask_for(labels, self.teacher.language, templates)
        return class_vectors(list(prompts.labels), prompts, self.teacher)

    def classify(
        self,
        sounds: Any,
        labels: Sequence[str] | Mapping[str, str],
        templates: Sequence[str] | None = None,
        sampling_rate: int | None = None,
    ) -> list[dict[str, float]]:
        """Zero-shot classification against any list of labels.

        Args:
            sounds, sampling_rate: as in `embed_audio`.
            labels, templates: as in `label_vectors`.

        Returns:
            For each sound its labels with their cosine, the best first. Cosines are no probabilities.

        Raises:
            UserError: as `embed_audio` and `label_vectors`.
        """
        names, vectors = list(labels), self.label_vectors(labels, templates)
        return [ranked(names, row) for row in similarity(self.embed_audio(sounds, sampling_rate), vectors)]


def similarity(left: Embeddings | np.ndarray, right: Embeddings | np.ndarray) -> np.ndarray:
    """Cosines between what stands in the shared space.

    Args:
        left, right: [n, teacher_dim] and [m, teacher_dim], of any length each; of embedded sounds the
            projection is taken.

    Returns:
        float32 [n, m].

    Raises:
        ValueError: the widths differ.
    """
    one, other = (_unit(getattr(side, "projection", side)) for side in (left, right))
    if one.shape[1] != other.shape[1]:
        raise ValueError(f"vectors of {one.shape[1]} and {other.shape[1]} values are not of one space")
    return (one @ other.T).astype(np.float32)


def ranked(names: Sequence[str], scores: np.ndarray) -> dict[str, float]:
    """Names and scores, the best first; equal ones in the order they were given."""
    order = np.argsort(-scores, kind="stable")
    return {names[i]: float(scores[i]) for i in order}


def _device(name: torch.device | str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # a torch without CUDA asserts
        raise UserError(f"device '{name}' cannot be used ({str(error).splitlines()[0]})") from None


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = np.atleast_2d(np.asarray(vectors, dtype=np.float64))
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _each(items: Sequence[Any], read: Callable[[Any], Any], failed: Failed | None) -> Iterator[Any]:
    for number, item in enumerate(items):
        try:
            yield read(item)
        except UserError as error:
            if failed is None:
                raise
            failed(number, error)
