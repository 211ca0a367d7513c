"""Validation by retrieval: does a held-out sound find its own image, and the image its sound?"""

import numpy as np

from wavbrivl.audio.embedding import embed_waveforms
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.evaluate.ranking import ranks_of_pairs
from wavbrivl.train.data import ImageEmbeddings, Sounds

BATCH = 32
BLOCK = 256
"""Sounds that are decoded at a time."""


def validate(model: WavBriVLModel, sounds: Sounds, images: ImageEmbeddings, limit: int) -> dict[str, float]:
    """MRR in both directions among the first `limit` validation clips, by g(a) in the teacher's space.

    Ties count at their expected rank, so a constant encoder scores chance.

    Returns:
        mrr_audio_to_image, mrr_image_to_audio, and the size of the gallery.
    """
    training = model.training
    count = min(limit, len(sounds.clips))
    blocks = []
    for first in range(0, count, BLOCK):
        waveforms = [sounds.audio(i) for i in range(first, min(first + BLOCK, count))]
        blocks.append(embed_waveforms(model, waveforms, BATCH).projection)
    model.train(training)
    audio = np.concatenate(blocks)
    pictures = images.of_clips(np.arange(count))
    return {
        "mrr_audio_to_image": float(ranks_of_pairs(audio, pictures).reciprocal().mean()),
        "mrr_image_to_audio": float(ranks_of_pairs(pictures, audio).reciprocal().mean()),
        "gallery": count,
    }
