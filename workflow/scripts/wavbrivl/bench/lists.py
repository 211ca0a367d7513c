"""Clip lists of the published sizes with made-up rows, to measure what depends on the size alone."""

import random
from collections.abc import Iterator
from pathlib import Path

VGGSOUND = {"train": 183_971, "test": 15_496}
AUDIOSET = {"unbalanced_train": 2_041_789, "balanced_train": 22_160, "eval": 20_371}
CLASSES = 309
NAMES = 527
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def write_vggsound(path: Path, shrink: int = 1) -> Path:
    """A list in VGG-Sound's format; `shrink` divides its length."""
    generator = random.Random(1)
    with path.open("w", encoding="utf-8") as handle:
        for split, rows in VGGSOUND.items():
            for video in _ids(generator, "V", rows // shrink):
                label = f'"made, up {generator.randrange(CLASSES)}"'
                handle.write(f"{video},{generator.randrange(300)},{label},{split}\n")
    return path


def write_audioset(folder: Path, shrink: int = 1) -> tuple[list[Path], Path]:
    """The three segment files of AudioSet, and the file that names their labels."""
    generator = random.Random(2)
    paths = []
    for part, rows in AUDIOSET.items():
        path = folder / f"{part}_segments.csv"
        with path.open("w", encoding="utf-8") as handle:
            handle.write(f"# Segments csv, made up\n# num_segs={rows // shrink}\n# YTID, ...\n")
            for video in _ids(generator, part[0], rows // shrink):
                start = generator.choice([30.0, 0.0, generator.randrange(400_000) / 1000])
                mids = ",".join(
                    f"/m/{generator.randrange(NAMES):04d}" for _ in range(generator.randint(1, 4))
                )
                handle.write(f'{video}, {start:.3f}, {start + 10:.3f}, "{mids}"\n')
        paths.append(path)
    names = folder / "class_labels_indices.csv"
    lines = (f'{i},/m/{i:04d},"Made up, {i}"\n' for i in range(NAMES))
    names.write_text("index,mid,display_name\n" + "".join(lines), encoding="utf-8")
    return paths, names


def _ids(generator: random.Random, first: str, n: int) -> Iterator[str]:
    """Video ids of eleven characters, no two alike."""
    for number in range(n):
        digits = []
        for _ in range(5):
            number, digit = divmod(number, len(_LETTERS))
            digits.append(_LETTERS[digit])
        yield first + "".join(digits) + "".join(generator.choices(_LETTERS, k=5))
