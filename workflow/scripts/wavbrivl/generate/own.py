"""Generators of somebody's own: a class on the Python path, named in `generate.own`."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

import torch

from wavbrivl.config.generation import OwnGeneratorConfig
from wavbrivl.errors import UserError
from wavbrivl.files import read_json, sha256_of, write_json
from wavbrivl.generate.frames import Frames
from wavbrivl.generate.generator import Generator
from wavbrivl.generate.guide import Guide
from wavbrivl.generate.mapping import Mapping as Map
from wavbrivl.generate.trained import TRAINED
from wavbrivl.named_class import import_named_class, lacking


class OwnGenerator(Generator, Protocol):
    """What a class of somebody's own has besides `draw`, `name` and `side`."""

    @classmethod
    def train(
        cls, frames: Frames, folder: Path, settings: dict[str, Any], seed: int, device: torch.device
    ) -> None:
        """Learn from the frames of train clips and write files below `folder`, which is there and empty."""
        ...

    @classmethod
    def load(
        cls,
        folder: Path,
        settings: dict[str, Any],
        guide: Guide,
        mappings: Mapping[str, Map],
        device: torch.device,
    ) -> Self:
        """The trained generator, ready to draw.

        Args:
            folder: that `train` wrote.
            settings: `generate.own.<name>.settings`.
            guide: scores pictures against vectors.
            mappings: from where sounds (`audio`) and texts (`text`) lie to where images lie.
            device: where it draws.
        """
        ...


def train_own(
    name: str, config: OwnGeneratorConfig, frames: Frames, folder: Path, seed: int, device: torch.device
) -> None:
    """Have the class learn, and record what from.

    What an earlier training left is removed: which settings an unfinished one had, nobody could tell.

    Raises:
        UserError: naming the key, where there is no such class or it lacks a part of the interface.
    """
    kind = _class(name, config)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kind.train(frames, folder, dict(config.settings), seed, device)
    facts = {"generator": config.kind, "settings": config.settings, "seed": seed, "clips": frames.clip_ids}
    write_json(folder / TRAINED, {**facts, "files": _checksums(folder)})


def load_own(
    name: str,
    config: OwnGeneratorConfig,
    folder: Path,
    guide: Guide,
    mappings: Mapping[str, Map],
    device: torch.device,
) -> Generator:
    """The trained generator.

    Raises:
        UserError: as above, or its files are not those that training wrote.
    """
    kind = _class(name, config)
    if read_json(folder / TRAINED)["files"] != _checksums(folder):
        raise UserError(f"{folder}: its files are not those that training wrote; remove the folder")
    generator = kind.load(folder, dict(config.settings), guide, mappings, device)
    if getattr(generator, "side", 0) < 1:
        raise UserError(f"generate.own.{name}.kind: '{config.kind}' says no side{_SEE}")
    return generator


_SEE = " (wavbrivl.generate.generator.Generator)"


def _class(name: str, config: OwnGeneratorConfig) -> Any:
    key = f"generate.own.{name}.kind"
    kind = import_named_class(config.kind, key)
    if missing := lacking(kind, ["train", "load", "draw"]):
        raise UserError(f"{key}: '{config.kind}' is no generator: it has no {missing[0]}{_SEE}")
    return kind


def _checksums(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != TRAINED)
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
