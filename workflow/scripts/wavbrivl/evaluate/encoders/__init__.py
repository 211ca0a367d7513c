"""Audio encoders behind one interface. A new one is a class in this package and a line in `ENCODERS`."""

from collections.abc import Callable

from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders.base import Embedded, Encoder, EncoderSettings
from wavbrivl.evaluate.encoders.logmel import LogMel
from wavbrivl.evaluate.encoders.wavbrivl import RandomWeights, WavBriVL

__all__ = ["ENCODERS", "Embedded", "Encoder", "EncoderSettings", "load_encoder"]

ENCODERS: dict[str, Callable[[EncoderSettings], Encoder]] = {
    "wavbrivl": WavBriVL,
    "random": RandomWeights,
    "logmel": LogMel,
}
"""Every encoder by the name that configuration and tables use."""


def load_encoder(name: str, settings: EncoderSettings) -> Encoder:
    """Build an encoder by name.

    Raises:
        UserError: for a name that is not registered, or a model folder that is not there.
    """
    if name not in ENCODERS:
        raise UserError(f"evaluate.encoders: there is no encoder '{name}'; known are {', '.join(ENCODERS)}")
    return ENCODERS[name](settings)
