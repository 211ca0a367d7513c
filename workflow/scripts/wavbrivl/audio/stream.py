"""Embed sounds that arrive block by block: an hour in one file needs no more memory than a window."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from torch.nn import functional

from wavbrivl.audio.embedding import Embeddings, forward, window_samples
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.audio.processing import MINIMUM_SAMPLES, repeat_to
from wavbrivl.errors import UserError

Blocks = Iterable[np.ndarray]
"""float32 [samples] at 16 kHz, mono, one after the other."""


def windows_of(blocks: Blocks, window: int) -> Iterator[np.ndarray]:
    """The windows that `embedding.cut_windows` cuts, without knowing how long the sound will be.

    A window is given away as soon as enough follows it for another one; the last one holds the rest.
    """
    waiting = np.zeros(0, dtype=np.float32)
    for block in blocks:
        waiting = np.concatenate([waiting, block]) if len(waiting) else block
        start = 0
        while len(waiting) - start >= window + MINIMUM_SAMPLES:
            yield waiting[start : start + window]
            start += window
        waiting = waiting[start:]
    if len(waiting):
        yield waiting


def embed_streams(
    model: WavBriVLModel,
    streams: Iterable[Blocks],
    batch_size: int = 32,
    window_seconds: float | None = None,
    failed: Callable[[int, UserError], None] | None = None,
) -> Embeddings:
    """Embed sounds one after the other, as `embed_waveforms` would if it had them whole.

    At most `batch_size` windows wait for others of their length; then all of them are embedded.

    Args:
        model: the encoder; it is put into evaluation mode.
        streams: one iterable of blocks a sound; it is read once.
        batch_size: windows side by side, and windows held in memory.
        window_seconds: None takes the model's own window.
        failed: called with a sound's number and its error where a stream raises one; that sound gets no
            row then. None lets the error through.

    Raises:
        UserError: what a stream raises, or a sound for which the model gives no finite numbers.
    """
    model.eval()
    sums = _Sums(model, batch_size)
    window = window_samples(model, window_seconds)
    for number, blocks in enumerate(streams):
        try:
            for part in windows_of(blocks, window):
                sums.add(number, part)
            sums.close(number)
        except UserError as error:
            if failed is None:
                raise
            sums.drop(number)
            failed(number, error)
    return sums.finish(failed)


class _Sums:
    """Length-weighted sums of each sound's windows, in the order of the sounds."""

    def __init__(self, model: WavBriVLModel, batch_size: int) -> None:
        self._model, self._batch_size = model, batch_size
        self._waiting: list[tuple[int, np.ndarray]] = []
        self._rows: dict[int, tuple[np.ndarray, np.ndarray, int]] = {}

    def add(self, number: int, window: np.ndarray) -> None:
        self._waiting.append((number, window))
        if len(self._waiting) >= self._batch_size:
            self._flush()

    def close(self, number: int) -> None:
        if number not in self._rows and all(waiting != number for waiting, _ in self._waiting):
            raise UserError(f"sound {number} holds no samples")

    def drop(self, number: int) -> None:
        self._waiting = [item for item in self._waiting if item[0] != number]
        self._rows.pop(number, None)

    def finish(self, failed: Callable[[int, UserError], None] | None) -> Embeddings:
        self._flush()
        for number in [n for n, (a, g, _) in self._rows.items() if not np.isfinite([a.sum(), g.sum()]).all()]:
            error = UserError(f"sound {number} has samples so large that its embedding is not finite")
            if failed is None:
                raise error
            del self._rows[number]
            failed(number, error)
        config, kept = self._model.config, [self._rows[number] for number in sorted(self._rows)]
        embedding = np.array([a / length for a, _, length in kept]).reshape(-1, config.embedding_dim)
        projection = np.array([g for _, g, _ in kept]).reshape(-1, config.teacher_dim)
        projection /= np.maximum(np.linalg.norm(projection, axis=1, keepdims=True), 1e-12)
        return Embeddings(embedding.astype(np.float32), projection.astype(np.float32))

    def _flush(self) -> None:
        groups: dict[int, list[tuple[int, np.ndarray]]] = {}
        for number, window in self._waiting:
            groups.setdefault(len(window), []).append((number, window))
        self._waiting = []
        for length, group in groups.items():
            output = forward(self._model, [repeat_to(window, MINIMUM_SAMPLES) for _, window in group])
            embedding = output.embedding.double().cpu().numpy()
            projection = functional.normalize(output.projection.float(), dim=-1).double().cpu().numpy()
            for (number, _), a, g in zip(group, embedding, projection, strict=True):
                self._add_row(number, length * a, length * g, length)

    def _add_row(self, number: int, a: np.ndarray, g: np.ndarray, length: int) -> None:
        if number in self._rows:
            before = self._rows[number]
            a, g, length = before[0] + a, before[1] + g, before[2] + length
        self._rows[number] = (a, g, length)
