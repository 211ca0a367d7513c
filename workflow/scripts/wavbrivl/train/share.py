"""A model folder to pass on: the exported model with the card that has its numbers."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from wavbrivl.files import atomic

CARD = "README.md"


def share_model(model: Sequence[Path], card: Path, out: Path) -> None:
    """Copy the model's files into `out`, with `card` as its README.md.

    Copies, not links: a linked file would share its time of change with the model's own, by which the
    workflow knows what is left to do.

    Args:
        model: files of the exported model.
        card: the card with metrics.
        out: the folder; what else lies in it, such as a teacher, stays.
    """
    for source, name in [*((path, path.name) for path in model), (card, CARD)]:
        with atomic(out / name) as temporary:
            shutil.copyfile(source, temporary)
