"""Mean average precision over classes: the paper's "mAP", though every clip has one label.

Each class is ranked by its own column of scores, and only its own items are relevant. Average
precision is the mean, over the relevant items, of the precision among all items that score at least
as high (tied scores are one threshold, as scikit-learn has it); so each test item has a precision of
its own, the mean over a class's items is that class's average precision, and the mean over classes
is the metric. Classes without a test item have none and are left out.
"""

from dataclasses import dataclass

import numpy as np

from wavbrivl.evaluate.ranking import TIE


@dataclass(frozen=True)
class ClassPrecision:
    """Average precision of one set of test items.

    Attributes:
        scores: [n, classes], comparable within a column.
        targets: class index of each item, [n].
    """

    scores: np.ndarray
    targets: np.ndarray

    def of_items(self) -> np.ndarray:
        """Precision at the place of each item in the ranking of its own class, [n]."""
        precision = np.zeros(len(self.targets))
        for label in np.unique(self.targets):
            relevant, reached = self._ranking(label)
            precision[relevant] = reached[:, relevant].sum(axis=1) / reached.sum(axis=1)
        return precision

    def macro(self, weights: np.ndarray) -> np.ndarray:
        """The mean over classes where item i counts weights[b, i] times, [b]; an `intervals.Statistic`."""
        counts = weights.astype(np.float32)  # exact below 2**24
        total, filled = np.zeros(len(counts)), np.zeros(len(counts))
        for label in np.unique(self.targets):
            relevant, reached = self._ranking(label)
            own = counts[:, relevant]
            found, all_reached = own @ reached[:, relevant].T, counts @ reached.T
            share = np.divide(found, all_reached, dtype=np.float64, out=np.zeros(own.shape), where=own > 0)
            size = own.sum(axis=1, dtype=np.float64)
            total += np.divide((own * share).sum(axis=1), size, out=np.zeros_like(size), where=size > 0)
            filled += size > 0
        return total / filled

    def chance(self) -> float:
        """What a constant score gives: the mean over classes with items of their share of all items."""
        _, counts = np.unique(self.targets, return_counts=True)
        return float(np.mean(counts / len(self.targets)))

    def _ranking(self, label: int) -> tuple[np.ndarray, np.ndarray]:
        """Items of a class, [p], and which items score at least as high as each of them, float32 [p, n]."""
        column = np.asarray(self.scores[:, label], dtype=np.float64)
        relevant = np.flatnonzero(self.targets == label)
        return relevant, (column[None] >= column[relevant, None] - TIE).astype(np.float32)
