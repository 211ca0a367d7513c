"""A study's conditions in CLIP's space: the same items, other vectors."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from wavbrivl.evaluate.encoders import Encoder
from wavbrivl.evaluate.ranking import unit
from wavbrivl.generate.conditions import Conditions
from wavbrivl.shards.reader import MediaShards
from wavbrivl.studies.clip import Clip


def in_clips_words(conditions: Conditions, clip: Clip, prompts: Sequence[str]) -> Conditions:
    """The labels of conditions of kind `text`, embedded by CLIP with prompts, whose vectors are averaged."""
    words = [label.replace("_", " ") for label in conditions.labels]
    texts = [prompt.replace("{}", word) for word in words for prompt in prompts]
    vectors = clip.embed_texts(texts).reshape(len(words), len(prompts), -1).mean(axis=1)
    return dataclasses.replace(conditions, texts=words, vectors=unit(vectors).astype(np.float32))


def in_wav2clips_ears(
    conditions: Conditions, shards: MediaShards, encoder: Encoder, items: int, batch_size: int
) -> Conditions:
    """The sources of the first `items` conditions, embedded by Wav2CLIP, whose space is CLIP's."""
    chosen = conditions.take(range(min(items, len(conditions))))
    place = {clip.clip_id: i for i, clip in enumerate(shards.clips)}
    sounds = [shards.audio(place[source]) for source in chosen.sources]
    vectors = unit(encoder.embed(sounds, batch_size).embedding).astype(np.float32)
    return dataclasses.replace(chosen, texts=[""] * len(chosen), vectors=vectors)
