"""How an encoder without a projection of its own gets into the teacher's space."""

import numpy as np

from wavbrivl.config.models import TrainingConfig
from wavbrivl.evaluate.gallery import Gallery
from wavbrivl.train.projection import fit_cross_projection


def cross_projection(config: TrainingConfig, steps: int):
    """How a baseline gets into the teacher's space: the training's own objective on fixed embeddings.

    Returns:
        A function for `run_retrieval`: from training embeddings, their gallery and a seed to a projector.
    """

    def fit(embedding: np.ndarray, train: Gallery, seed: int):
        return fit_cross_projection(
            embedding, train.images, train.clip_ids, train.video_ids, config, steps, seed
        )

    return fit
