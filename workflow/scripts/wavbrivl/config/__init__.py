"""Typed configuration: one source for the default YAML, the JSON schema and the key table.

Every job imports its own section from a module beside this one; the whole configuration, which takes
longer to build than most light jobs to run, is imported when one of these names is first used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wavbrivl.config.root import Config, load_config, overlay, parse_config

__all__ = ["Config", "load_config", "overlay", "parse_config"]


def __getattr__(name: str):
    """A public name, from where it lives."""
    if name not in __all__:
        raise AttributeError(f"module 'wavbrivl.config' has no attribute {name!r}")
    return getattr(importlib.import_module("wavbrivl.config.root"), name)
