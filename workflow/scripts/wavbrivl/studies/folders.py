"""Drawings by generator and study, from their folders `<generator>/drawings/<study>/`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from wavbrivl.corpus.clips import unit_hash
from wavbrivl.generate.drawings import Drawings, read_drawings
from wavbrivl.shards.reader import MediaShards

Key = tuple[str, str]
"""(generator, study)."""


def key_of(images: Path) -> Key:
    """Whose drawings a file `<generator>/drawings/<study>/images.npy` holds."""
    return images.parents[2].name, images.parent.name


def read_sets(images: Iterable[Path]) -> dict[Key, Drawings]:
    """Read the folders of some `images.npy`, in their order.

    Raises:
        UserError: a folder is damaged.
    """
    return {key_of(path): read_drawings(path.parent) for path in images}


class RealFrames:
    """The 64 x 64 frame of a clip in media shards, or None for a name that is no clip of them."""

    def __init__(self, media: Iterable[str]):
        self._shards = MediaShards([Path(path) for path in media])
        self._place = {clip.clip_id: i for i, clip in enumerate(self._shards.clips)}

    def __call__(self, clip: str) -> np.ndarray | None:
        return self._shards.image(self._place[clip], 64) if clip in self._place else None


def of_study(sets: dict[Key, Drawings], study: str) -> dict[str, Drawings]:
    """The drawings of one study by generator."""
    return {generator: drawings for (generator, name), drawings in sets.items() if name == study}


def chosen_clips(systems: Sequence[Drawings], count: int, seed: int) -> list[tuple[str, str]]:
    """(clip, label) of some drawn clips in alphabetical order of labels.

    Those that all systems drew come before the others; among equals the seed decides.
    """
    drawn: Counter[str] = Counter()
    labels: dict[str, str] = {}
    for drawings in systems:
        drawn.update({row.item for row in drawings.rows})
        labels |= {row.item: row.label for row in drawings.rows}
    taken = sorted(labels, key=lambda clip: (-drawn[clip], unit_hash(seed, "clips", clip)))[:count]
    return sorted(((clip, labels[clip]) for clip in taken), key=lambda one: (one[1], one[0]))
