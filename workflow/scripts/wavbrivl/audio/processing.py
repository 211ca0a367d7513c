"""From a waveform to what the encoder reads."""

import warnings
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from transformers import AutoFeatureExtractor, BatchFeature, SequenceFeatureExtractor

from wavbrivl.audio.configuration import WavBriVLConfig

SAMPLING_RATE = 16000
MINIMUM_SAMPLES = 400
"""Receptive field of WavLM's convolutions: with fewer samples there is not a single frame."""
HOP_SAMPLES = 320
"""Stride of WavLM's convolutions: a frame every 20 ms."""


def standardise(waveform: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance over the whole array, as WavLM large expects it."""
    waveform = np.asarray(waveform, dtype=np.float32)
    return (waveform - waveform.mean()) / np.sqrt(waveform.var() + 1e-7)


def repeat_to(waveform: np.ndarray, length: int) -> np.ndarray:
    """Repeat a waveform until it has at least `length` samples, then cut it there if it was shorter."""
    if len(waveform) >= length:
        return waveform
    return np.tile(waveform, -(-length // len(waveform)))[:length]


class WavBriVLProcessor(SequenceFeatureExtractor):
    """Checks the sampling rate, shapes a batch and standardises where the backbone wants it.

    Waveforms of one call must have one length: padding would change what WavLM base computes.
    For sounds of any length use `wavbrivl.audio.embedding.embed_waveforms`.
    """

    model_input_names: ClassVar[list[str]] = ["input_values"]

    def __init__(
        self,
        feature_size: int = 1,
        sampling_rate: int = SAMPLING_RATE,
        padding_value: float = 0.0,
        do_normalize: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(
            feature_size=feature_size, sampling_rate=sampling_rate, padding_value=padding_value, **kwargs
        )
        self.do_normalize = do_normalize

    @classmethod
    def for_config(cls, config: WavBriVLConfig) -> "WavBriVLProcessor":
        """The processor that goes with a model's configuration."""
        return cls(sampling_rate=config.sampling_rate, do_normalize=config.do_normalize)

    def __call__(
        self,
        audio: np.ndarray | Sequence[np.ndarray],
        sampling_rate: int | None = None,
        return_tensors: str | None = None,
    ) -> BatchFeature:
        """Make `input_values` [batch, samples].

        Args:
            audio: one mono waveform [samples], or several of the same length.
            sampling_rate: in hertz; always pass it.
            return_tensors: "pt" for torch, "np" for numpy.

        Raises:
            ValueError: another sampling rate, sound that is not mono, or unequal lengths.
        """
        self._check_rate(sampling_rate)
        waveforms = [np.asarray(a, dtype=np.float32) for a in _as_list(audio)]
        _check_shapes(waveforms)
        if self.do_normalize:
            waveforms = [standardise(w) for w in waveforms]
        return BatchFeature({"input_values": np.stack(waveforms)}, tensor_type=return_tensors)

    def _check_rate(self, sampling_rate: int | None) -> None:
        if sampling_rate is None:
            warnings.warn(
                f"no sampling_rate given: the sound is taken to be at {self.sampling_rate} Hz", stacklevel=3
            )
        elif sampling_rate != self.sampling_rate:
            raise ValueError(f"the encoder reads {self.sampling_rate} Hz, the sound has {sampling_rate} Hz")


def _as_list(audio: np.ndarray | Sequence[np.ndarray]) -> list:
    one = np.ndim(audio[0]) == 0 if len(audio) else True
    return [audio] if one else list(audio)


def _check_shapes(waveforms: list[np.ndarray]) -> None:
    if any(w.ndim != 1 for w in waveforms):
        raise ValueError("a waveform must be mono, one dimension of samples")
    lengths = {len(w) for w in waveforms}
    if len(lengths) > 1:
        raise ValueError(
            f"waveforms of {min(lengths)} to {max(lengths)} samples do not share a batch: padding would "
            "change the result; embed_waveforms takes any lengths"
        )
    if lengths and min(lengths) < MINIMUM_SAMPLES:
        raise ValueError(f"a waveform needs at least {MINIMUM_SAMPLES} samples, got {min(lengths)}")


AutoFeatureExtractor.register(WavBriVLConfig, WavBriVLProcessor)
