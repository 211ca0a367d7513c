"""Encoders of somebody else: a class on the Python path, named `module:Class` in the configuration."""

import importlib

from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders.base import Encoder, EncoderSettings

METHODS = ("embed", "frames")
NUMBERS = ("dim", "rate")


def load_foreign(module: str, cls: str, settings: EncoderSettings, name: str) -> Encoder:
    """Import the class, build it with `(settings, name)`, and see that it has the encoders' interface.

    Raises:
        UserError: naming the key, where the module cannot be imported, or the class is not there or lacks
            a part of the interface. What goes wrong inside the class stays its own.
    """
    key = f"evaluate.models.{name}.kind"
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"{key}: the module '{module}' cannot be imported ({error})") from None
    kind = getattr(found, cls, None)
    if not callable(kind):
        raise UserError(f"{key}: the module '{module}' has no class '{cls}'")
    encoder = kind(settings, name)
    lacking = [part for part in METHODS if not callable(getattr(encoder, part, None))]
    lacking += [part for part in NUMBERS if not _is_count(getattr(encoder, part, None))]
    lacking += [] if getattr(encoder, "name", None) == name else ["name"]
    if lacking:
        raise UserError(
            f"{key}: '{module}:{cls}' is no encoder: {lacking[0]} is not as the interface has it "
            "(wavbrivl.evaluate.encoders.base.Encoder)"
        )
    return encoder


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value > 0
