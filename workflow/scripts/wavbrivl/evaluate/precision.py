"""Mean average precision over classes: the paper's "mAP", though every clip has one label.

Each class is ranked by its own column of scores, and only its own items are relevant. Average
precision is the mean, over the relevant items, of the precision among all items that score at least
as high (tied scores are one threshold, as scikit-learn has it); so each test item has a precision of
its own, the mean over a class's items is that class's average precision, and the mean over classes
is the metric. Classes without a test item have none and are left out.
"""

import numpy as np

from wavbrivl.evaluate.ranking import TIE


def item_precision(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Precision at the place of each item in the ranking of its own class, [n].

    Args:
        scores: [n, classes], comparable within a column.
        targets: class index of each item, [n].
    """
    precision = np.zeros(len(targets))
    for label in np.unique(targets):
        column = np.asarray(scores[:, label], dtype=np.float64)
        relevant = np.flatnonzero(targets == label)
        reached = column[None] >= column[relevant, None] - TIE
        precision[relevant] = reached[:, relevant].sum(axis=1) / reached.sum(axis=1)
    return precision


def chance_precision(targets: np.ndarray) -> float:
    """What a constant score gives: the mean, over classes that have items, of their share of all items."""
    _, counts = np.unique(targets, return_counts=True)
    return float(np.mean(counts / len(targets)))
