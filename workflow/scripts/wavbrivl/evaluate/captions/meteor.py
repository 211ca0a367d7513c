"""METEOR 1.5's score from its counts, so that the score of any resample of captions can be had.

Denkowski and Lavie, "Meteor Universal" (2014), with the parameters of the English ranking task, which
the COCO evaluation uses. The score of a set is computed from summed counts; it is not a mean.
"""

import numpy as np

ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
STAGES = (1.0, 0.6, 0.8, 0.6)
"""Weights of the four kinds of match: exact, stem, synonym, paraphrase."""

COLUMNS = 23
"""Words and function words of caption and reference; four matches a stage; chunks and matched words."""


def scores(counts: np.ndarray) -> np.ndarray:
    """METEOR from counts [..., 23] as its program prints them, or their sums."""
    counts = np.asarray(counts, dtype=np.float64)
    words, words_reference, function, function_reference = np.moveaxis(counts[..., :4], -1, 0)
    stages = counts[..., 4:20].reshape(*counts.shape[:-1], 4, 4)
    weighted = (np.array(STAGES)[:, None] * stages).sum(axis=-2)
    content_found, content_known, function_found, function_known = np.moveaxis(weighted, -1, 0)
    precision = _ratio(
        DELTA * content_found + (1 - DELTA) * function_found,
        DELTA * (words - function) + (1 - DELTA) * function,
    )
    recall = _ratio(
        DELTA * content_known + (1 - DELTA) * function_known,
        DELTA * (words_reference - function_reference) + (1 - DELTA) * function_reference,
    )
    mean = _ratio(precision * recall, ALPHA * precision + (1 - ALPHA) * recall)
    chunks, matched, matched_reference = np.moveaxis(counts[..., 20:], -1, 0)
    fragmentation = _ratio(chunks, (matched + matched_reference) / 2)
    whole = (matched == words) & (matched_reference == words_reference) & (chunks == 1)
    penalty = GAMMA * np.where(whole, 0.0, fragmentation) ** BETA
    return mean * (1 - penalty)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
