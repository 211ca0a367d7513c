"""Audio encoders behind one interface; a new kind is a class in this package and a line in `kinds`."""

import importlib

from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders.base import Embedded, Encoder, EncoderSettings
from wavbrivl.evaluate.kinds import OWN, class_of, kind_of

__all__ = ["Embedded", "Encoder", "EncoderSettings", "load_encoder"]


def load_encoder(name: str, settings: EncoderSettings) -> Encoder:
    """Build an encoder by the name that configuration and tables use.

    Raises:
        UserError: for a name that is not known, or weights that are not there or do not fit.
    """
    if name not in (*OWN, *settings.models):
        known = ", ".join((*OWN, *settings.models))
        raise UserError(f"evaluate.encoders: there is no encoder '{name}'; known are {known}")
    module, kind = class_of(kind_of(name, settings.models))
    return getattr(importlib.import_module(module), kind)(settings, name)
