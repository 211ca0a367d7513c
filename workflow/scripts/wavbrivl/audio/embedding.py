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
from wavbrivl.audio.processing import HOP_SAMPLES, MINIMUM_SAMPLES, SAMPLING_RATE, repeat_to, standardise


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
    windows = cut_windows([len(w) for w in waveforms], _checked(model, waveforms, window_seconds))
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
    """Frame sequences of mono 16 kHz waveforms, one vector every 20 ms from the first to the last.

    Arguments and errors are those of `embed_waveforms`. Windows overlap by what the convolutions need
    to go on without a gap, and the last one begins early enough to be whole, so that no frame is
    computed from a rest without context.
    """
    window = _checked(model, waveforms, window_seconds)
    windows = [w for i, wave in enumerate(waveforms) for w in _frame_windows(i, len(wave), window)]
    frames = [np.zeros((_count(len(w)), model.config.wavlm.hidden_size), np.float32) for w in waveforms]
    for batch, output in _batches(model, waveforms, windows, batch_size):
        for part, features in zip(batch, output.frames.float().cpu().numpy(), strict=True):
            first = part.start // HOP_SAMPLES
            frames[part.waveform][first : first + len(features)] = features
    return [Frames(f, _middles(len(f), len(w))) for f, w in zip(frames, waveforms, strict=True)]


def _frame_windows(index: int, samples: int, window: int) -> list[Window]:
    """Windows of whole frames; a later one overwrites what it shares with the one before it."""
    total, each = _count(samples), _count(window)
    if total <= each:
        return [Window(index, 0, samples)]
    length = (each - 1) * HOP_SAMPLES + MINIMUM_SAMPLES
    firsts = [min(frame, total - each) for frame in range(0, total, each)]
    return [Window(index, first * HOP_SAMPLES, length) for first in firsts]


def _count(samples: int) -> int:
    """Frames that so many samples give."""
    return 1 + max(0, samples - MINIMUM_SAMPLES) // HOP_SAMPLES


def _middles(frames: int, samples: int) -> np.ndarray:
    """Seconds of each frame's middle; that of a sound below the minimum is the sound's own."""
    first = min(samples, MINIMUM_SAMPLES) / 2
    return (first + HOP_SAMPLES * np.arange(frames)) / SAMPLING_RATE


def window_samples(model: WavBriVLModel, window_seconds: float | None = None) -> int:
    """Samples of a window; None takes the model's own."""
    return max(MINIMUM_SAMPLES, round((window_seconds or model.config.window_seconds) * SAMPLING_RATE))


def _checked(model: WavBriVLModel, waveforms: Sequence[np.ndarray], window_seconds: float | None) -> int:
    """Samples of a window, once every waveform is known to be one."""
    for index, waveform in enumerate(waveforms):
        if waveform.ndim != 1 or not len(waveform):
            raise ValueError(f"waveform {index} must be mono and not empty, its shape is {waveform.shape}")
        if not np.isfinite(waveform).all():
            raise ValueError(f"waveform {index} holds values that are not finite")
    return window_samples(model, window_seconds)


def _batches(model: WavBriVLModel, waveforms: Sequence[np.ndarray], windows: list[Window], batch_size: int):
    """Yield (windows of one length, the model's output for them)."""
    groups: dict[int, list[Window]] = defaultdict(list)
    for window in windows:
        groups[window.length].append(window)
    model.eval()
    for group in groups.values():
        for first in range(0, len(group), batch_size):
            batch = group[first : first + batch_size]
            yield batch, forward(model, [_cut(waveforms, w) for w in batch])


def _cut(waveforms: Sequence[np.ndarray], window: Window) -> np.ndarray:
    part = waveforms[window.waveform][window.start : window.start + window.length]
    return repeat_to(np.asarray(part, dtype=np.float32), MINIMUM_SAMPLES)


@torch.no_grad()
def forward(model: WavBriVLModel, batch: list[np.ndarray]) -> WavBriVLOutput:
    """The model's output for windows of one length, float32 [samples] each, as `model` stands."""
    if model.config.do_normalize:
        batch = [standardise(waveform) for waveform in batch]
    values = torch.from_numpy(np.stack(batch)).to(next(model.parameters()).device)
    return model(values)
