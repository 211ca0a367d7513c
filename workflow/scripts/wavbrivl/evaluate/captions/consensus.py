"""The caption that fits everything a little: what somebody would say who hears nothing."""

import math
from collections import Counter
from collections.abc import Sequence

from wavbrivl.evaluate.captions.words import words_of

LONGEST = 4
"""Runs of up to this many words are compared, as CIDEr does."""

NGrams = Counter[tuple[str, ...]]


def consensus_caption(captions: Sequence[Sequence[str]]) -> str:
    """The caption most like all captions of all sounds; the first one of those that are equally so.

    Runs of one to four words are weighted by how few sounds have them, and vectors of unit length are
    compared by their cosine, for each length of run: what CIDEr rewards, without looking at any sound
    that is measured.

    Args:
        captions: of each training sound.
    """
    counted = [[_ngrams(caption) for caption in of_sound] for of_sound in captions]
    sounds = Counter(ngram for of_sound in counted for ngram in set().union(*of_sound))
    flat = [ngrams for of_sound in counted for ngrams in of_sound]
    vectors = [_unit(ngrams, sounds, len(captions)) for ngrams in flat]
    total: dict[tuple[str, ...], float] = {}
    for vector in vectors:
        for ngram, weight in vector.items():
            total[ngram] = total.get(ngram, 0.0) + weight
    scores = [sum(weight * total[ngram] for ngram, weight in vector.items()) for vector in vectors]
    best = max(range(len(scores)), key=lambda i: (round(scores[i], 9), -i))
    return [caption for of_sound in captions for caption in of_sound][best]


def _ngrams(caption: str) -> NGrams:
    words = words_of(caption)
    return Counter(tuple(words[i : i + n]) for n in range(1, LONGEST + 1) for i in range(len(words) - n + 1))


def _unit(ngrams: NGrams, sounds: Counter, count: int) -> dict[tuple[str, ...], float]:
    """Weights of a caption's runs, of unit length for each length of run."""
    weights = {ngram: times * math.log(count / sounds[ngram]) for ngram, times in ngrams.items()}
    norms = [0.0] * (LONGEST + 1)
    for ngram, weight in weights.items():
        norms[len(ngram)] += weight * weight
    return {
        ngram: weight / math.sqrt(norms[len(ngram)])
        for ngram, weight in weights.items()
        if norms[len(ngram)] > 0
    }
