"""Generators by name, frozen and ready to draw."""

import logging
from pathlib import Path
from typing import Any

import torch

from wavbrivl.config.generation import GenerateConfig
from wavbrivl.errors import UserError
from wavbrivl.generate.conditions import read_conditions
from wavbrivl.generate.drawings import write_drawings
from wavbrivl.generate.generator import Generator
from wavbrivl.generate.guide import Guide
from wavbrivl.generate.mapping import read_mappings
from wavbrivl.generate.own import load_own
from wavbrivl.generate.repeat import draw_repeatedly
from wavbrivl.generate.study import GENERATORS, Study, study_of
from wavbrivl.teacher.model import load_teacher

logger = logging.getLogger("wavbrivl")


def for_study(config: GenerateConfig, generator: str, study: Study) -> GenerateConfig:
    """The configuration with the study's changes to how a generator draws.

    Raises:
        UserError: the study is not meant for the generator.
    """
    if not study.meant_for(generator):
        raise UserError(f"this study is not meant for the generator '{generator}': {study.about}")
    if generator in config.own:
        return config
    section = getattr(config, generator)
    values = section.draw.model_dump() | dict(study.changes.get(generator, {}))
    draw = type(section.draw).model_validate(values)
    return config.model_copy(update={generator: section.model_copy(update={"draw": draw})})


def draw_study(
    name: str,
    generator: str,
    config: GenerateConfig,
    folder: Path,
    teacher: Path,
    device: torch.device,
    seed: int,
) -> None:
    """Draw a study with one generator and write its folder, `<generator>/drawings/<study>/`.

    Args:
        name: of the study.
        folder: of the generation stage, with conditions, mapping and trained models.
        teacher: the teacher's folder.
        seed: of the first drawing of each condition.

    Raises:
        UserError: the study is not meant for the generator, or something is missing or damaged.
    """
    logger.info("study '%s', drawn by %s", name, generator)
    study = study_of(name)
    chosen = for_study(config, generator, study)
    maps = folder / "mapping/mapping.npz"
    drawer = load_generator(generator, folder / generator / "model", chosen, teacher, maps, device)
    conditions = read_conditions(folder / f"conditions/{name}.npz")
    drawings, trace = draw_repeatedly(drawer, conditions, seed, study.repeats or config.repeats)
    named = {"study": name, "about": study.about, **trace}
    write_drawings(folder / generator / "drawings" / name, drawings, named)


def load_generator(
    name: str, folder: Path, config: GenerateConfig, teacher: Path, mappings: Path, device: torch.device
) -> Generator:
    """Build a generator from what was trained.

    Args:
        name: `dalle`, `diffusion`, `latent`, or one of `generate.own`.
        folder: its model folder; not used where a released model is configured.
        config: `generate`, with the study's changes.
        teacher: the teacher's folder.
        mappings: the file that `fit_mapping` wrote.
        device: where it draws.

    Raises:
        UserError: an unknown name, or a folder that is missing or damaged.
    """
    frozen = load_teacher(teacher, device)
    guide, maps = Guide(frozen), read_mappings(mappings)
    if name in config.own:
        return load_own(name, config.own[name], Path(folder), guide, maps, device)
    builders: dict[str, Any] = {"dalle": _dalle, "diffusion": _diffusion, "latent": _latent}
    if name not in builders:
        raise UserError(f"there is no generator '{name}'; known are {', '.join([*GENERATORS, *config.own])}")
    return builders[name](Path(folder), config, guide, maps, device)


def _dalle(folder: Path, config: GenerateConfig, guide: Guide, maps: dict, device: torch.device) -> Generator:
    from wavbrivl.generate.dalle import load_dalle

    return load_dalle(folder, guide, maps, config.dalle.draw, device)


def _diffusion(
    folder: Path, config: GenerateConfig, guide: Guide, maps: dict, device: torch.device
) -> Generator:
    if config.diffusion.released:
        from wavbrivl.generate.released import load_released

        return load_released(config.diffusion, guide, maps, device)
    from wavbrivl.generate.diffusion import load_diffusion

    return load_diffusion(folder, guide, maps, config.diffusion.draw, device)


def _latent(
    folder: Path, config: GenerateConfig, guide: Guide, maps: dict, device: torch.device
) -> Generator:
    from wavbrivl.generate.latent import load_latent

    return load_latent(folder, guide, config.latent, device)
