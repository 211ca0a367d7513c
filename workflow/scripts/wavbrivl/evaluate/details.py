"""What the retrieval figures need: the first images of a few sounds, and a sample of the shared space."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wavbrivl.evaluate.gallery import Gallery
from wavbrivl.evaluate.ranking import ranks_from_scores, unit
from wavbrivl.files import atomic

SHOWN = 5
"""Images shown for each sound."""


def chosen_queries(labels: Sequence[str], rows: int, seed: int) -> list[int]:
    """Draw the sounds that are shown: different classes first, nothing looked at but the label."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(labels))
    first_of_class: dict[str, int] = {}
    for i in order:
        first_of_class.setdefault(labels[i], int(i))
    chosen = list(first_of_class.values())
    chosen += [int(i) for i in order if int(i) not in chosen]
    return sorted(chosen[:rows])


def write_details(
    path: Path, gallery: Gallery, sounds: np.ndarray, seed: int, rows: int = 6, points: int = 400
) -> None:
    """Write one `.npz` with what `publish.shared_space` draws.

    Its arrays: `found`, a JSON text (`gallery`: its size; `queries`: clip_id, label, rank of the own
    image, and the images found first, best first, each with clip_id, label, score and own); `sounds`
    and `images`, float32 [points, teacher_dim], and `labels`: a sample of clips in the shared space.

    Args:
        sounds: all sounds in the teacher's space, [n, teacher_dim].
        rows: sounds whose finds are shown.
        points: clips sampled for the map.
    """
    kept = np.sort(np.random.default_rng(seed).permutation(len(gallery.clip_ids))[:points])
    with atomic(path) as temporary, temporary.open("wb") as handle:
        np.savez(
            handle,
            found=np.array(json.dumps(_found(gallery, sounds, chosen_queries(gallery.labels, rows, seed)))),
            sounds=unit(sounds[kept]).astype(np.float32),
            images=gallery.images[kept].astype(np.float32),
            labels=np.array([gallery.labels[i] for i in kept]),
        )


def _found(gallery: Gallery, sounds: np.ndarray, queries: list[int]) -> dict[str, Any]:
    scores = unit(sounds[queries]) @ unit(gallery.images).T
    ranks = ranks_from_scores(scores, np.array(queries)).expected()
    found = [
        {
            "clip_id": gallery.clip_ids[query],
            "label": gallery.labels[query],
            "rank": float(ranks[row]),
            "found": _first(gallery, scores[row], query),
        }
        for row, query in enumerate(queries)
    ]
    return {"gallery": len(gallery.clip_ids), "queries": found}


def _first(gallery: Gallery, scores: np.ndarray, own: int) -> list[dict[str, Any]]:
    order = np.argsort(-scores, kind="stable")[:SHOWN]
    return [
        {
            "clip_id": gallery.clip_ids[i],
            "label": gallery.labels[i],
            "score": round(float(scores[i]), 6),
            "own": bool(i == own),
        }
        for i in order
    ]
