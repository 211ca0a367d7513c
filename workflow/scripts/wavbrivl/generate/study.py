"""What is drawn, by name: a study says which sounds are heard, what is done to them and how is drawn.

A study needs no rule of its own: its folder is `results/<run>/generate/<generator>/drawings/<study>/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wavbrivl.errors import UserError

Kind = Literal["audio", "text", "image", "unconditional"]
Pairing = Literal["own", "shuffled", "swapped"]


@dataclass(frozen=True)
class Study:
    """One set of drawings.

    Attributes:
        about: one sentence for tables and reports.
        kind: what the generator is given.
        pairing: `own`: every item is drawn from its own sound; `shuffled`: from the sound of another class,
            drawn by the seed; `swapped`: classes in pairs, each item from a sound of the other class.
        gains_db: the sound is drawn from once at each gain; nothing where empty.
        items: at most this many, spread over the classes; None takes `generate.items`.
        repeats: drawings of each condition, with seeds of their own; None takes `generate.repeats`.
        changes: keys of `generate.<generator>.draw` that are other than configured, by generator.
        generators: that the study is meant for; None: all.
    """

    about: str
    kind: Kind = "audio"
    pairing: Pairing = "own"
    gains_db: tuple[float, ...] = ()
    items: int | None = None
    repeats: int | None = None
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    generators: tuple[str, ...] | None = None

    @property
    def needs_labels(self) -> bool:
        """Whether it asks for classes: their names, or sounds of other ones."""
        return self.kind == "text" or self.pairing != "own"

    def meant_for(self, generator: str) -> bool:
        """Whether a generator draws it."""
        return self.generators is None or generator in self.generators


GENERATORS = ("dalle", "diffusion", "latent")
"""Those of this package; `generate.own` names others."""

STUDIES: dict[str, Study] = {
    "test": Study("held-out sounds, as configured"),
    "control": Study(
        "the same number of pictures by the same models that hear nothing: no condition, a random candidate",
        kind="unconditional",
        changes={"dalle": {"selection": "random"}},
    ),
    "shuffled": Study(
        "held-out sounds in the places of items of other classes", pairing="shuffled", repeats=1
    ),
    "swap": Study(
        "classes in pairs, each item drawn from a sound of the other", pairing="swapped", repeats=1
    ),
    "text": Study("every class from its label, through the teacher's text tower", kind="text", repeats=1),
    "image": Study(
        "the held-out frames' own embeddings, the ceiling of the condition", kind="image", repeats=1
    ),
    "volume": Study(
        "the same sounds at several gains",
        gains_db=(-40.0, -30.0, -20.0, -10.0, 0.0, 10.0),
        items=10,
        repeats=1,
        # Latent optimisation draws too few conditions to see every sound at every gain.
        generators=("dalle", "diffusion"),
    ),
    "unguided": Study(
        "the condition without the guide: a random candidate instead of the best",
        changes={"dalle": {"selection": "random"}},
        generators=("dalle",),
        repeats=1,
    ),
    "guide_only": Study(
        "the guide without the condition: no prefix and no text, the sound only chooses candidates",
        changes={"dalle": {"prefix": False, "text": False}},
        generators=("dalle",),
        repeats=1,
    ),
    "best_of": Study(
        "the best of as many candidates as all rounds together, none of them primed",
        changes={"dalle": {"selection": "best_of"}},
        generators=("dalle",),
        repeats=1,
    ),
    "unmapped": Study(
        "g(audio) as it is, without the map to where images lie",
        changes={"dalle": {"mapping": False}, "diffusion": {"mapping": False}},
        generators=("dalle", "diffusion"),
        repeats=1,
    ),
}
"""Every study by its name."""


def study_of(name: str) -> Study:
    """A study by its name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in STUDIES:
        raise UserError(f"there is no study '{name}'; known are {', '.join(STUDIES)}")
    return STUDIES[name]
