"""Embed sounds of any length; a result never depends on what else is in the batch."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from wavbrivl.audio.frames import Frames
from wavbrivl.audio.modeling import WavBriVLModel, WavBriVLOutput
from wavbrivl.audio.processing import MINIMUM_SAMPLES, SAMPLING_RATE, repeat_to, standardise


@dataclass(frozen=True)
class Embeddings:
    """embedding: `a` [n, embedding_dim]; projection: g(a) [n, teacher_dim], unit norm; float32."""

    embedding: np.ndarray
    projection: np.ndarray


class Window(NamedTuple):
    """A part of one waveform: samples start to start + length."""

    waveform: int
    start: int
    length: int


def cut_windows(lengths: Sequence[int], window: int) -> list[Window]:
    """Cut waveforms into windows of `window` samples; the last one holds what is left.

    A rest below WavLM's minimum joins the window before it, so that every sample is heard once.
    """
    windows = []
    for index, length in enumerate(lengths):
        count = max(1, -(-(length - MINIMUM_SAMPLES + 1) // window))
        starts = [i * window for i in range(count)]
        ends = [*starts[1:], length]
        windows += [Window(index, start, end - start) for start, end in zip(starts, ends, strict=True)]
    return windows


def embed_waveforms(
    model: WavBriVLModel,
    waveforms: Sequence[np.ndarray],
    batch_size: int = 32,
    window_seconds: float | None = None,
) -> Embeddings:
    """Embed mono 16 kHz waveforms.

    Windows of exactly the same length share a batch, so nothing is padded. A sound longer than the
    window is the length-weighted mean of its windows: of `a` as it is, and of g(a) at unit length,
    normalised again. Only a sound below 400 samples, WavLM's minimum, is repeated up to it.

    Args:
        model: the encoder; it is put into evaluation mode.
        waveforms: float32 arrays [samples].
        batch_size: windows side by side.
        window_seconds: None takes the model's own window.

    Raises:
        ValueError: a waveform that is empty, not mono or holds values that are not finite.
    """
    windows = _windows_of(model, waveforms, window_seconds)
    embedding = np.zeros((len(waveforms), model.config.embedding_dim))
    projection = np.zeros((len(waveforms), model.config.teacher_dim))
    for batch, output in _batches(model, waveforms, windows, batch_size):
        unit = functional.normalize(output.projection.float(), dim=-1)
        weights = np.array([w.length for w in batch])[:, None]
        rows = [w.waveform for w in batch]
        np.add.at(embedding, rows, weights * output.embedding.float().cpu().numpy())
        np.add.at(projection, rows, weights * unit.cpu().numpy())
    lengths = np.array([len(w) for w in waveforms]).reshape(-1, 1)
    projection /= np.maximum(np.linalg.norm(projection, axis=1, keepdims=True), 1e-12)
    return Embeddings((embedding / lengths).astype(np.float32), projection.astype(np.float32))


def embed_frames(
    model: WavBriVLModel,
    waveforms: Sequence[np.ndarray],
    batch_size: int = 32,
    window_seconds: float | None = None,
) -> list[Frames]:
    """Frame sequences of mono 16 kHz waveforms, one vector about every 20 ms.

    Arguments and errors are those of `embed_waveforms`; windows are joined in time.
    """
    windows = _windows_of(model, waveforms, window_seconds)
    parts: dict[int, list[tuple[int, np.ndarray]]] = defaultdict(list)
    for batch, output in _batches(model, waveforms, windows, batch_size):
        for window, frames in zip(batch, output.frames.float().cpu().numpy(), strict=True):
            parts[window.waveform].append((window.start, frames))
    return [_join(model, sorted(parts[i], key=lambda part: part[0])) for i in range(len(waveforms))]


def _join(model: WavBriVLModel, parts: list[tuple[int, np.ndarray]]) -> Frames:
    stride = int(np.prod(model.config.wavlm.conv_stride))
    middles = [start + MINIMUM_SAMPLES / 2 + stride * np.arange(len(frames)) for start, frames in parts]
    return Frames(np.concatenate([frames for _, frames in parts]), np.concatenate(middles) / SAMPLING_RATE)


def _windows_of(
    model: WavBriVLModel, waveforms: Sequence[np.ndarray], window_seconds: float | None
) -> list[Window]:
    for index, waveform in enumerate(waveforms):
        if waveform.ndim != 1 or not len(waveform):
            raise ValueError(f"waveform {index} must be mono and not empty, its shape is {waveform.shape}")
        if not np.isfinite(waveform).all():
            raise ValueError(f"waveform {index} holds values that are not finite")
    seconds = window_seconds or model.config.window_seconds
    window = max(MINIMUM_SAMPLES, round(seconds * SAMPLING_RATE))
    return cut_windows([len(w) for w in waveforms], window)


def _batches(model: WavBriVLModel, waveforms: Sequence[np.ndarray], windows: list[Window], batch_size: int):
    """Yield (windows of one length, the model's output for them)."""
    groups: dict[int, list[Window]] = defaultdict(list)
    for window in windows:
        groups[window.length].append(window)
    model.eval()
    for group in groups.values():
        for first in range(0, len(group), batch_size):
            batch = group[first : first + batch_size]
            yield batch, _forward(model, [_cut(waveforms, w) for w in batch])


def _cut(waveforms: Sequence[np.ndarray], window: Window) -> np.ndarray:
    part = waveforms[window.waveform][window.start : window.start + window.length]
    return repeat_to(np.asarray(part, dtype=np.float32), MINIMUM_SAMPLES)


@torch.no_grad()
def _forward(model: WavBriVLModel, batch: list[np.ndarray]) -> WavBriVLOutput:
    if model.config.do_normalize:
        batch = [standardise(waveform) for waveform in batch]
    values = torch.from_numpy(np.stack(batch)).to(next(model.parameters()).device)
    return model(values)
