"""All figures of a run."""

from wavbrivl.publish.class_figures import class_bars, confusion_matrix
from wavbrivl.publish.coverage import coverage_bars
from wavbrivl.publish.curves import loss_curves
from wavbrivl.publish.shared_space import retrieval_picture, shared_space_map

__all__ = [
    "class_bars",
    "confusion_matrix",
    "coverage_bars",
    "loss_curves",
    "retrieval_picture",
    "shared_space_map",
]
