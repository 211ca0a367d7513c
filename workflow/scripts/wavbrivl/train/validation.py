"""Validation by retrieval: does a held-out sound find its own image, and the image its sound?"""

import numpy as np
import torch

from wavbrivl.audio.embedding import embed_waveforms
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.evaluate.ranking import ranks_of_pairs
from wavbrivl.train.data import ImageEmbeddings, Sounds
from wavbrivl.train.group import Group

BATCH = 32
BLOCK = 256
"""Sounds that are decoded at a time."""


def validate(
    model: WavBriVLModel, sounds: Sounds, images: ImageEmbeddings, limit: int, group: Group
) -> dict[str, float]:
    """MRR in both directions among the first `limit` validation clips, by g(a) in the teacher's space.

    Every process embeds its share of the clips. Ties count at their expected rank, so a constant
    encoder scores chance.

    Returns:
        mrr_audio_to_image, mrr_image_to_audio, and the size of the gallery; the same in every process.
    """
    count = min(limit, len(sounds.clips))
    audio = _embed_shares(model, sounds, count, group)
    pictures = images.of_clips(np.arange(count))
    scores = [
        float(ranks_of_pairs(*pair).reciprocal().mean()) for pair in ((audio, pictures), (pictures, audio))
    ]
    to_image, to_audio = group.from_first(scores, next(model.parameters()).device)
    return {"mrr_audio_to_image": to_image, "mrr_image_to_audio": to_audio, "gallery": count}


def _embed_shares(model: WavBriVLModel, sounds: Sounds, count: int, group: Group) -> np.ndarray:
    """g(a) of the first `count` clips [count, teacher_dim], computed by all processes together."""
    training = model.training
    share = -(-count // group.size)
    start, end = (min(count, (group.rank + i) * share) for i in (0, 1))
    rows = np.zeros((share, model.config.teacher_dim), dtype=np.float32)
    for first in range(start, end, BLOCK):
        waveforms = [sounds.audio(i) for i in range(first, min(first + BLOCK, end))]
        place = first - start
        rows[place : place + len(waveforms)] = embed_waveforms(model, waveforms, BATCH).projection
    model.train(training)
    device = next(model.parameters()).device
    return group.gather(torch.from_numpy(rows).to(device))[:count].cpu().numpy()
