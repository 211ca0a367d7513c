"""Encoders of somebody else: a class on the Python path, named `module:Class` in the configuration."""

from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders.base import Encoder, EncoderSettings
from wavbrivl.named_class import import_named_class, lacking

METHODS = ("embed", "frames")
NUMBERS = ("dim", "rate")


def load_foreign(kind: str, settings: EncoderSettings, name: str) -> Encoder:
    """Import the class, build it with `(settings, name)`, and see that it has the encoders' interface.

    Raises:
        UserError: naming the key, where the module cannot be imported, or the class is not there or lacks
            a part of the interface. What goes wrong inside the class stays its own.
    """
    key = f"evaluate.models.{name}.kind"
    encoder = import_named_class(kind, key)(settings, name)
    missing = lacking(encoder, METHODS)
    missing += [part for part in NUMBERS if not _is_count(getattr(encoder, part, None))]
    missing += [] if getattr(encoder, "name", None) == name else ["name"]
    if missing:
        raise UserError(
            f"{key}: '{kind}' is no encoder: {missing[0]} is not as the interface has it "
            "(wavbrivl.evaluate.encoders.base.Encoder)"
        )
    return encoder


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value > 0
