"""All F1 values of one set of detections, beside those of an output in which every class always sounds."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from wavbrivl.evaluate.events import score
from wavbrivl.evaluate.events.decode import always_on
from wavbrivl.evaluate.events.desed import Event
from wavbrivl.evaluate.intervals import Statistic, interval, mean_of, value_of
from wavbrivl.evaluate.result import Metric, metric

Events = Sequence[Sequence[Event]]
"""Of each file, [n]."""


class Scored:
    """What was detected in n files, compared with what is in them."""

    def __init__(self, reference: Events, detected: Events, seconds: Sequence[float], labels: Sequence[str]):
        self._reference, self._seconds, self._labels = reference, seconds, labels
        self._segments = score.segment_counts(reference, detected, seconds, labels)
        self._events = score.event_counts(reference, detected, labels)

    @cached_property
    def of_files(self) -> np.ndarray:
        """Segment F1 of each file, [n]."""
        return score.file_f1(self._segments)

    def values(self) -> dict[str, float]:
        """Every metric on the files as they are."""
        return {name: value_of(found, len(self._seconds)) for name, found in self._statistics().items()}

    def metrics(self, groups: Sequence[str], bootstrap: int, seed: int) -> dict[str, Metric]:
        """Every metric with its interval and chance.

        Args:
            groups: source recording of each file, [n].
        """
        always = [always_on(self._labels, length) for length in self._seconds]
        chance = Scored(self._reference, always, self._seconds, self._labels).values()
        return {
            name: metric(value_of(found, len(groups)), interval(found, groups, bootstrap, seed), chance[name])
            for name, found in self._statistics().items()
        }

    def by_class(self) -> dict[str, dict[str, float | None]]:
        """F1 of each class, by segments and by events; None where a class neither is nor was detected."""
        return {"segment": self._by_class(self._segments), "event": self._by_class(self._events)}

    def _statistics(self) -> dict[str, Statistic]:
        return {
            "segment_f1_macro": score.macro_f1(self._segments),
            "segment_f1_micro": score.micro_f1(self._segments),
            "event_f1_macro": score.macro_f1(self._events),
            "event_f1_micro": score.micro_f1(self._events),
            "segment_f1_files": mean_of(self.of_files),
        }

    def _by_class(self, counts: score.Counts) -> dict[str, float | None]:
        found = score.class_f1(counts.sum(axis=0))
        return {
            label: round(float(f), 6) if np.isfinite(f) else None
            for label, f in zip(self._labels, found, strict=True)
        }
