"""Any audio model that transformers can load: CLAP, AST, Whisper's encoder, WavLM, HuBERT, wav2vec 2.0.

The folder holds the model (`config.json`, weights) and its feature extractor
(`preprocessor_config.json`). What is taken of a sound: for CLAP the vector in its shared space, for
AST its pooled vector, for every other model the mean over time of the last hidden states (of the
encoder, where there is also a decoder).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, ClapModel

from wavbrivl.audio.frames import Frames
from wavbrivl.audio.processing import MINIMUM_SAMPLES, repeat_to
from wavbrivl.config.evaluation import ModelConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.audio_files import RATE, all_to_rate
from wavbrivl.evaluate.encoders.base import Embedded, EncoderSettings
from wavbrivl.evaluate.kinds import weights_path

WINDOW_SECONDS = 10.0
"""Window of models that take sounds of any length."""

Read = Callable[[nn.Module, Mapping[str, Tensor]], tuple[Tensor, Tensor | None]]
"""From model and inputs to frames [batch, time, width], and vectors [batch, dim] or None (their mean)."""


@dataclass(frozen=True)
class Family:
    """How models of one type are read.

    Attributes:
        read: runs the model.
        width: the configuration's key for the width of a vector.
        seconds: the longest sound that the feature extractor takes, where inputs have one size.
    """

    read: Read
    width: str = "hidden_size"
    seconds: Callable[[Any], float] | None = None


class Window(NamedTuple):
    """Samples start to start + length of one sound."""

    sound: int
    start: int
    length: int


def _read_clap(model: nn.Module, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    # Extractors of fused models mark a window at random as a long one; no window here is.
    short = {"is_longer": torch.zeros(len(inputs["input_features"]), 1, dtype=torch.bool)}
    output = model.get_audio_features(inputs["input_features"], **_on(short, inputs))
    return output.last_hidden_state.mean(dim=2).transpose(1, 2), output.pooler_output


def _read_ast(model: nn.Module, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    output = model(**inputs)
    bands, time = model.embeddings.get_shape(model.config)
    patches = output.last_hidden_state[:, 2:].unflatten(1, (bands, time))
    return patches.mean(dim=1), output.pooler_output


def _read_states(model: nn.Module, inputs: Mapping[str, Tensor]) -> tuple[Tensor, None]:
    return model(**inputs).last_hidden_state, None


FAMILIES = {
    "clap": Family(_read_clap, "projection_dim", lambda extractor: extractor.max_length_s),
    # Mel frames of 25 ms every 10 ms.
    "audio-spectrogram-transformer": Family(
        _read_ast, seconds=lambda extractor: (extractor.max_length - 1) / 100 + 0.025
    ),
    "whisper": Family(_read_states, "d_model", lambda extractor: extractor.chunk_length),
}
OTHERS = Family(_read_states)


class HuggingFace:
    """A model folder in the Hugging Face layout, read without any code of its own."""

    def __init__(self, settings: EncoderSettings, name: str) -> None:
        config = settings.models[name]
        self.name = name
        self._device = settings.device
        self._extractor, self._model = _load(name, weights_path(name, config))
        self._family = FAMILIES.get(self._model.config.model_type, OTHERS)
        self._model.to(settings.device).eval()
        self.rate = int(self._extractor.sampling_rate)
        self.dim = int(getattr(self._model.config, self._family.width))
        self._window = round(self._window_seconds(config, name) * self.rate)

    def embed(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> Embedded:
        """[n, dim]; a sound longer than the window is the length-weighted mean of its windows."""
        sounds = all_to_rate(waveforms, rate, self.rate)
        total = np.zeros((len(sounds), self.dim))
        for window, _, vector in self._windows(sounds, batch_size):
            total[window.sound] += window.length * vector
        lengths = np.array([len(sound) for sound in sounds])[:, None]
        return Embedded((total / lengths).astype(np.float32))

    def frames(self, waveforms: Sequence[np.ndarray], batch_size: int, rate: int = RATE) -> list[Frames]:
        """The last hidden states in time; those of padding are left out."""
        sounds = all_to_rate(waveforms, rate, self.rate)
        parts: dict[int, list[tuple[int, Frames]]] = defaultdict(list)
        for window, sequence, _ in self._windows(sounds, batch_size):
            parts[window.sound].append((window.start, sequence))
        return [_join(parts[i], self.rate) for i in range(len(sounds))]

    def _windows(self, sounds: Sequence[np.ndarray], batch_size: int):
        """Yield each window with its frames and its vector [dim]."""
        for group in self._groups(cut(sounds, self._window)):
            for first in range(0, len(group), batch_size):
                batch = group[first : first + batch_size]
                yield from zip(batch, *self._run(sounds, batch), strict=True)

    def _groups(self, windows: list[Window]) -> list[list[Window]]:
        """Windows that may share a batch: all where inputs have one size, else those of one length."""
        if self._family.seconds:
            return [windows]
        groups: dict[int, list[Window]] = defaultdict(list)
        for window in windows:
            groups[window.length].append(window)
        return list(groups.values())

    @torch.inference_mode()
    def _run(self, sounds: Sequence[np.ndarray], batch: list[Window]) -> tuple[list[Frames], np.ndarray]:
        pieces = [sounds[w.sound][w.start : w.start + w.length] for w in batch]
        pieces = [repeat_to(piece, MINIMUM_SAMPLES) for piece in pieces]
        inputs = self._extractor(pieces, sampling_rate=self.rate, return_tensors="pt")
        states, vectors = self._family.read(self._model, inputs.to(self._device))
        frames = [
            self._trim(state, len(piece))
            for state, piece in zip(states.float().cpu().numpy(), pieces, strict=True)
        ]
        if vectors is None:
            return frames, np.stack([sequence.features.mean(axis=0) for sequence in frames])
        return frames, vectors.float().cpu().numpy()

    def _trim(self, states: np.ndarray, samples: int) -> Frames:
        """The states whose middle lies in the sound, and at least one."""
        covered = self._family.seconds(self._extractor) if self._family.seconds else samples / self.rate
        seconds = (np.arange(len(states)) + 0.5) * covered / len(states)
        kept = max(1, int((seconds < samples / self.rate).sum()))
        return Frames(states[:kept], seconds[:kept])

    def _window_seconds(self, config: ModelConfig, name: str) -> float:
        longest = self._family.seconds(self._extractor) if self._family.seconds else None
        wanted = config.window_seconds or longest or WINDOW_SECONDS
        if longest and wanted > longest:
            raise UserError(
                f"evaluate.models.{name}.window_seconds: {wanted:g} s, and this model hears {longest:g} s "
                "at most"
            )
        return wanted


def cut(sounds: Sequence[np.ndarray], window: int) -> list[Window]:
    """Windows of at most `window` samples; each sample is in one."""
    return [
        Window(index, start, min(window, len(sound) - start))
        for index, sound in enumerate(sounds)
        for start in range(0, len(sound), window)
    ]


def _join(parts: list[tuple[int, Frames]], rate: int) -> Frames:
    ordered = sorted(parts, key=lambda part: part[0])
    features = np.concatenate([frames.features for _, frames in ordered])
    return Frames(features, np.concatenate([start / rate + frames.seconds for start, frames in ordered]))


def _load(name: str, folder: Path) -> tuple[Any, nn.Module]:
    """The feature extractor and the model; both from the folder alone."""
    where = f"evaluate.models.{name}: {folder}"
    if not (folder / "config.json").is_file():
        raise UserError(f"{where} holds no model (config.json is missing)")
    try:
        extractor = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        kind = ClapModel if config.model_type == "clap" else AutoModel
        model, report = kind.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, dtype=torch.float32
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise UserError(
            f"{where} is no audio model that transformers can load ({_first_line(error)})"
        ) from None
    missing = sorted(key for key in report["missing_keys"] if "masked_spec_embed" not in key)
    if missing:
        raise UserError(f"{where} lacks {len(missing)} weights, first {missing[0]}")
    if getattr(extractor, "sampling_rate", None) is None:
        raise UserError(f"{where} is no audio model: its feature extractor names no sampling rate")
    return extractor, model.get_encoder() if config.is_encoder_decoder else model


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__


def _on(values: dict[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the device of the other inputs."""
    device = like["input_features"].device
    return {key: value.to(device) for key, value in values.items()}
