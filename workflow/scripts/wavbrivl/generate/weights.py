"""A small network's folder: `config.json` (its section of the configuration) and `model.safetensors`."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from wavbrivl.config.section import Section
from wavbrivl.errors import UserError
from wavbrivl.files import atomic, read_json, write_json

Module = TypeVar("Module", bound=nn.Module)
Settings = TypeVar("Settings", bound=Section)
READABLE = 0o644
"""Mode of the weights; safetensors itself lets nobody but the owner read them."""


def save_module(folder: Path, module: nn.Module, config: Section, **sizes: int) -> None:
    """Write the folder; `config.json` comes last, so a folder with it is complete."""
    folder = Path(folder)
    weights = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    with atomic(folder / "model.safetensors") as temporary:
        save_file(weights, temporary)
        temporary.chmod(READABLE)
    write_json(folder / "config.json", {"sizes": sizes, "config": config.model_dump(mode="json")})


def load_module(
    folder: Path, build: Callable[..., Module], section: type[Settings], device: torch.device
) -> Module:
    """Build a network from its folder, strictly, for evaluation only.

    Raises:
        UserError: a file is missing or damaged, or weights and configuration do not fit.
    """
    folder = Path(folder)
    try:
        described = read_json(folder / "config.json")
        config = section.model_validate(described["config"])
        module = build(config, **{name: int(value) for name, value in described["sizes"].items()})
        module.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise UserError(f"{folder}: not the folder of a trained network ({_first_line(error)})") from None
    except (SafetensorError, RuntimeError) as error:
        message = _first_line(error)
        raise UserError(f"{folder}: its weights do not fit its configuration ({message})") from None
    return module.to(device).eval().requires_grad_(False)


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0]
