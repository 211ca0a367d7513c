"""All figures of a run."""

from wavbrivl.publish.class_figures import class_bars, confusion_matrix
from wavbrivl.publish.curves import loss_curves, loss_table
from wavbrivl.publish.seed_figure import seed_plot
from wavbrivl.publish.shared_space import retrieval_picture, shared_space_map

__all__ = [
    "class_bars",
    "confusion_matrix",
    "loss_curves",
    "loss_table",
    "retrieval_picture",
    "seed_plot",
    "shared_space_map",
]
