"""F1 of detected events through sed_eval, and its interval from what each file contributes.

Segment-based F1 in segments of one second is what the paper's number can be compared with; the
event-based one uses DCASE's tolerances. A class of which nothing is detected scores zero, in both;
sed_eval would leave it out of the mean over classes.
"""

from collections.abc import Sequence

import numpy as np
import sed_eval

from wavbrivl.evaluate.events.desed import Event
from wavbrivl.evaluate.intervals import Statistic

SEGMENT_SECONDS = 1.0
COLLAR_SECONDS = 0.2
COLLAR_SHARE = 0.2
"""An offset may also be wrong by this share of the event's length."""

Counts = np.ndarray
"""[files, classes, 3]: correct, in the reference, in the output (segments or events)."""

Files = Sequence[Sequence[Event]]
"""The events of each file."""


def segment_counts(
    reference: Files, detected: Files, seconds: Sequence[float], labels: Sequence[str]
) -> Counts:
    """What each file contributes to segment-based F1; `seconds` are the lengths of the files."""
    metrics = sed_eval.sound_event.SegmentBasedMetrics(list(labels), time_resolution=SEGMENT_SECONDS)
    rows = []
    for truth, found, length in zip(reference, detected, seconds, strict=True):
        metrics.reset()
        metrics.evaluate(_listed(truth), _listed(found), evaluated_length_seconds=float(length))
        rows.append(_counts(metrics, labels))
    return np.array(rows)


def event_counts(reference: Files, detected: Files, labels: Sequence[str]) -> Counts:
    """What each file contributes to event-based F1."""
    metrics = sed_eval.sound_event.EventBasedMetrics(
        list(labels), t_collar=COLLAR_SECONDS, percentage_of_length=COLLAR_SHARE
    )
    rows = []
    for truth, found in zip(reference, detected, strict=True):
        metrics.reset()
        metrics.evaluate(_listed(truth), _listed(found))
        rows.append(_counts(metrics, labels))
    return np.array(rows)


def macro_f1(counts: Counts) -> Statistic:
    """Mean F1 over the classes that occur in the reference of the files that are drawn."""
    return lambda weights: _mean_over_classes(class_f1(_summed(weights, counts)))


def micro_f1(counts: Counts) -> Statistic:
    """F1 over all classes together."""
    return lambda weights: class_f1(_summed(weights, counts).sum(axis=1))


def class_f1(counts: np.ndarray) -> np.ndarray:
    """F1 from [..., 3]; NaN where the reference has nothing, 0 where the output has nothing."""
    correct, reference, output = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    found = np.divide(2 * correct, reference + output, out=np.zeros_like(correct), where=reference > 0)
    return np.where(reference > 0, found, np.nan)


def file_f1(counts: Counts) -> np.ndarray:
    """F1 of each file over all classes, [files]; silence that is called silence scores one."""
    summed = counts.sum(axis=1)
    silent = summed[:, 1] == 0
    return np.where(silent, (summed[:, 2] == 0).astype(np.float64), np.nan_to_num(class_f1(summed)))


def _summed(weights: np.ndarray, counts: Counts) -> np.ndarray:
    """Counts of weighted files, [b, classes, 3]."""
    files, classes, three = counts.shape
    return (weights @ counts.reshape(files, classes * three)).reshape(-1, classes, three)


def _mean_over_classes(scores: np.ndarray) -> np.ndarray:
    known = np.isfinite(scores)
    total = np.where(known, scores, 0).sum(axis=1)
    count = known.sum(axis=1)
    return np.divide(total, count, out=np.full(len(scores), np.nan), where=count > 0)


def _listed(events: Sequence[Event]) -> list[dict]:
    return [{"event_label": e.label, "onset": e.onset, "offset": e.offset} for e in events]


def _counts(metrics, labels: Sequence[str]) -> list[list[float]]:
    found = metrics.class_wise
    return [[found[label]["Ntp"], found[label]["Nref"], found[label]["Nsys"]] for label in labels]
