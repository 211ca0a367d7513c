"""Classes of anybody's on the Python path, named `module:Class` in the configuration; nothing heavy."""

import importlib
import re
from collections.abc import Sequence
from typing import Any

from wavbrivl.errors import UserError

_NAMED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_named_class(text: str) -> bool:
    """Whether it is `module:Class`."""
    return _NAMED.fullmatch(text) is not None


def module_of(text: str) -> str:
    """The module of `module:Class`."""
    return text.partition(":")[0]


def import_named_class(text: str, key: str) -> Any:
    """Import the class.

    Args:
        text: `module:Class`.
        key: of the configuration, for messages.

    Raises:
        UserError: the module cannot be imported, or the class is not there.
    """
    module, _, name = text.partition(":")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"{key}: the module '{module}' cannot be imported ({error})") from None
    kind = getattr(found, name, None)
    if not callable(kind):
        raise UserError(f"{key}: the module '{module}' has no class '{name}'")
    return kind


def lacking(thing: Any, methods: Sequence[str]) -> list[str]:
    """Which of the methods it has not."""
    return [name for name in methods if not callable(getattr(thing, name, None))]
