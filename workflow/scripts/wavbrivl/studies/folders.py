"""Drawings by generator and study, from their folders `<generator>/drawings/<study>/`."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from wavbrivl.corpus.clips import unit_hash
from wavbrivl.generate.drawings import Drawings, read_drawings

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


def of_study(sets: dict[Key, Drawings], study: str) -> dict[str, Drawings]:
    """The drawings of one study by generator."""
    return {generator: drawings for (generator, name), drawings in sets.items() if name == study}


def chosen_clips(drawings: Drawings, count: int, seed: int) -> list[tuple[str, str]]:
    """(clip, label) of some of the drawn clips, drawn by the seed, in alphabetical order of labels."""
    known = dict.fromkeys((row.item, row.label) for row in drawings.rows)
    taken = sorted(known, key=lambda clip: unit_hash(seed, "clips", clip[0]))[:count]
    return sorted(taken, key=lambda clip: (clip[1], clip[0]))


def shared_clips(systems: Sequence[Drawings]) -> Drawings:
    """The drawings that name the clips: those of the system with the fewest, so that all have them."""
    return min(systems, key=lambda drawings: len(drawings.rows))
