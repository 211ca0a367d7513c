"""Sounds of a benchmark as frame sequences at one rate, whatever the encoder's own rate is."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wavbrivl.audio.frames import Frames
from wavbrivl.errors import UserError
from wavbrivl.evaluate.audio_files import RATE, read_audio
from wavbrivl.evaluate.encoders import Encoder
from wavbrivl.evaluate.result import Exclusion
from wavbrivl.progress import track

logger = logging.getLogger("wavbrivl")

BLOCK = 64
"""Sounds held in memory side by side, before they are embedded."""


@dataclass(frozen=True)
class Sound:
    """A sound file of a benchmark: its unique name there, and the recording that it was cut from."""

    name: str
    path: Path
    group: str


@dataclass(frozen=True)
class Framed:
    """What an encoder makes of the sounds that could be read.

    Attributes:
        kept: their places in the list that was asked for, [n].
        features: for each of them float32 [frames, width]; frame i covers the seconds from i * hop on.
        seconds: how long each of them is, [n].
        embedding: [n, dim], where it was asked for.
        projection: [n, teacher_dim], where it was asked for and the encoder has one.
        exclusions: the others, with their cause.
    """

    kept: list[int]
    features: list[np.ndarray]
    seconds: np.ndarray
    embedding: np.ndarray | None
    projection: np.ndarray | None
    exclusions: tuple[Exclusion, ...]


def frame_sounds(
    sounds: Sequence[Sound],
    encoder: Encoder,
    hop_seconds: float,
    batch_size: int,
    what: str,
    embed: bool = False,
) -> Framed:
    """Read every sound once and average the encoder's frames to one rate.

    Args:
        sounds: a sound that is absent or cannot be read is left out, counted and listed.
        hop_seconds: length of a frame of the result.
        batch_size: sounds of equal length side by side.
        what: the sounds in words, for messages.
        embed: also embed each sound as a whole.

    Raises:
        UserError: no sound can be read.
    """
    kept: list[int] = []
    exclusions: list[Exclusion] = []
    features: list[np.ndarray] = []
    seconds: list[float] = []
    whole = []
    for waves in _readable(sounds, kept, exclusions, f"{what}, {encoder.name}"):
        seconds += [len(wave) / RATE for wave in waves]
        frames = encoder.frames(waves, batch_size)
        features += [
            averaged(one, hop_seconds, len(wave) / RATE) for one, wave in zip(frames, waves, strict=True)
        ]
        if embed:
            whole.append(encoder.embed(waves, batch_size))
    if not kept:
        example = f", {exclusions[0].item} first" if exclusions else ""
        raise UserError(f"{what}: none of {len(sounds)} sounds can be read{example}")
    projections = [one.projection for one in whole if one.projection is not None]
    return Framed(
        kept,
        features,
        np.array(seconds),
        np.concatenate([one.embedding for one in whole]) if whole else None,
        np.concatenate(projections) if projections else None,
        tuple(exclusions),
    )


def averaged(frames: Frames, hop_seconds: float, seconds: float) -> np.ndarray:
    """Average an encoder's frames to one every `hop_seconds`.

    A frame belongs to the span that its middle lies in; a span without any takes the nearest one.

    Args:
        seconds: length of the sound; the result has that many spans, the last one may be cut.

    Returns:
        float32 [spans, width].
    """
    spans = max(1, int(np.ceil(seconds / hop_seconds - 1e-6)))
    edges = np.searchsorted(frames.seconds, hop_seconds * np.arange(spans + 1))
    edges[-1] = len(frames.seconds)  # what lies past the end belongs to the last span
    count = np.diff(edges)
    total = np.concatenate([np.zeros((1, frames.features.shape[1])), np.cumsum(frames.features, 0, float)])
    result = (total[edges[1:]] - total[edges[:-1]]) / np.maximum(count, 1)[:, None]
    for span in np.flatnonzero(count == 0):
        nearest = np.abs(frames.seconds - (span + 0.5) * hop_seconds).argmin()
        result[span] = frames.features[nearest]
    return result.astype(np.float32)


def _readable(
    sounds: Sequence[Sound], kept: list[int], exclusions: list[Exclusion], what: str
) -> Iterator[list[np.ndarray]]:
    """Sounds in blocks; `kept` and `exclusions` grow beside them."""
    block: list[np.ndarray] = []
    for place, sound in enumerate(track(sounds, what)):
        try:
            block.append(read_audio(sound.path))
        except UserError as error:
            cause = "unreadable" if sound.path.is_file() else "absent"
            exclusions.append(Exclusion(item=sound.name, cause=cause))
            logger.warning("left out: %s", error)
            continue
        kept.append(place)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block
