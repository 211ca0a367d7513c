"""From events to frame targets, and from frame probabilities to events."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import median_filter

from wavbrivl.evaluate.events.desed import Event


def frame_targets(
    events: Sequence[Event], labels: Sequence[str], frames: int, hop_seconds: float
) -> np.ndarray:
    """Which class is on in which frame: float32 [frames, classes], by the middle of each frame."""
    middle = (np.arange(frames) + 0.5) * hop_seconds
    targets = np.zeros((frames, len(labels)), dtype=np.float32)
    place = {label: i for i, label in enumerate(labels)}
    for event in events:
        targets[(middle >= event.onset) & (middle < event.offset), place[event.label]] = 1
    return targets


def filter_frames(median_seconds: float, hop_seconds: float) -> int:
    """Length of the median filter: the odd number of frames nearest to `median_seconds`."""
    return 2 * max(0, round((median_seconds / hop_seconds - 1) / 2)) + 1


def detected_events(
    probabilities: np.ndarray,
    labels: Sequence[str],
    threshold: float,
    median_frames: int,
    hop_seconds: float,
    seconds: float,
) -> list[Event]:
    """Events of one recording, by onset.

    Args:
        probabilities: [frames, classes].
        threshold: above it a class is on.
        median_frames: odd length of the median filter that then removes gaps and blips.
        hop_seconds: length of a frame.
        seconds: length of the recording, which no event exceeds.

    Returns:
        Events with times in whole milliseconds, so that a border of a segment is met exactly.
    """
    on = median_filter((probabilities > threshold).astype(np.uint8), size=(median_frames, 1), mode="nearest")
    steps = np.diff(np.pad(on.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    events = []
    for column, label in enumerate(labels):
        starts, ends = np.flatnonzero(steps[:, column] == 1), np.flatnonzero(steps[:, column] == -1)
        for start, end in zip(starts, ends, strict=True):
            onset, offset = round(start * hop_seconds, 3), round(min(end * hop_seconds, seconds), 3)
            events += [Event(label, onset, offset)] if offset > onset else []
    return sorted(events, key=lambda event: (event.onset, event.label))


def always_on(labels: Sequence[str], seconds: float) -> list[Event]:
    """Every class from beginning to end: the output of somebody who hears nothing and risks nothing."""
    return [Event(label, 0.0, seconds) for label in labels]
