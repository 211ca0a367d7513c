"""The interface that every generator of pictures has."""

from typing import Protocol

from wavbrivl.generate.conditions import Conditions
from wavbrivl.generate.drawings import Drawings, Trace


class Generator(Protocol):
    """From conditions to pictures, with everything frozen.

    Attributes:
        name: `dalle`, `diffusion` or `latent`.
        side: pixels along an edge of what it draws.
    """

    name: str
    side: int

    def draw(self, conditions: Conditions, seed: int) -> tuple[Drawings, Trace]:
        """Draw one picture a condition; the same seed gives the same pictures.

        The picture depends on the seed, the item's name and its condition, never on the other items.
        """
        ...
