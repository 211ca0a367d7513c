"""Audio encoders behind one interface; a kind is a class of this package, or any on the Python path."""

import importlib

from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders.base import Embedded, Encoder, EncoderSettings
from wavbrivl.evaluate.encoders.foreign import load_foreign
from wavbrivl.evaluate.kinds import OWN, class_of, kind_of
from wavbrivl.named_class import is_named_class

__all__ = ["Embedded", "Encoder", "EncoderSettings", "load_encoder"]


def load_encoder(name: str, settings: EncoderSettings) -> Encoder:
    """Build an encoder by the name that configuration and tables use.

    Raises:
        UserError: for a name that is not known, or weights that are not there or do not fit.
    """
    if name not in (*OWN, *settings.models):
        known = ", ".join((*OWN, *settings.models))
        raise UserError(f"evaluate.encoders: there is no encoder '{name}'; known are {known}")
    kind = kind_of(name, settings.models)
    if is_named_class(kind):
        return load_foreign(kind, settings, name)
    module, cls = class_of(kind)
    return getattr(importlib.import_module(module), cls)(settings, name)
