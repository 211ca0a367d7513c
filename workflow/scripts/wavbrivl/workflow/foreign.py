"""Modules of the configuration that are not this package's: where they are, and a digest of their source."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

from wavbrivl.config.generation import OwnGeneratorConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.kinds import Model
from wavbrivl.named_class import is_named_class, module_of


def foreign_modules(names: Iterable[str], models: Mapping[str, Model]) -> dict[str, str]:
    """Modules of encoders of somebody's own, by the encoder's name.

    Raises:
        UserError: one that is not on the Python path, naming the key.
    """
    kinds = {name: models[name].kind for name in names if name in models}
    found = {name: module_of(kind) for name, kind in kinds.items() if is_named_class(kind)}
    _on_the_path("evaluate.models", found)
    return found


def generator_modules(own: Mapping[str, OwnGeneratorConfig]) -> dict[str, str]:
    """Modules of generators of somebody's own, by the generator's name.

    Raises:
        UserError: one that is not on the Python path, naming the key.
    """
    found = {name: module_of(generator.kind) for name, generator in own.items()}
    _on_the_path("generate.own", found)
    return found


def _on_the_path(section: str, modules: Mapping[str, str]) -> None:
    for name, module in modules.items():
        if source_of(module) is None:
            raise UserError(
                f"{section}.{name}.kind: there is no module '{module}' on the Python path (PYTHONPATH, or "
                "installed)"
            )


@cache
def source_of(module: str) -> Path | None:
    """The module's file, found without importing anything of it."""
    places, spec = None, None
    for end in range(1, module.count(".") + 2):
        spec = PathFinder.find_spec(".".join(module.split(".")[:end]), places)
        if spec is None:
            return None
        places = list(spec.submodule_search_locations or [])
    return Path(spec.origin) if spec and spec.origin and Path(spec.origin).is_file() else None


@cache
def foreign_digest(module: str) -> str:
    """Digest of the module's own file: what it imports in turn is its author's to say (`--forcerun`)."""
    source = source_of(module)
    return hashlib.sha256(source.read_bytes() if source else b"").hexdigest()[:16]
