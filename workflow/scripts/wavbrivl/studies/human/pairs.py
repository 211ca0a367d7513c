"""Which questions are asked: a sound, the drawing made from it, and one from a sound of another class."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.generate.drawings import Drawings, Drawn

logger = logging.getLogger("wavbrivl")
Side = Literal["left", "right"]


@dataclass(frozen=True)
class Question:
    """One question, with the answer that raters do not see.

    Attributes:
        name: what pages and answer files call it; it tells nothing.
        test: 1, 2, ...
        system: whose drawings are shown.
        item: the clip that is heard.
        own, foil: rows of the system's drawings: made from this sound, and from a sound of another class.
        label, foil_label: classes of both.
        own_side: where the own drawing stands.
    """

    name: str
    test: int
    system: str
    item: str
    own: int
    foil: int
    label: str
    foil_label: str
    own_side: Side


def choose_questions(
    systems: Mapping[str, Drawings], tests: int, per_system: int, seed: int
) -> list[Question]:
    """Draw the questions of all tests, in the order in which they are asked.

    A system that drew fewer sounds than a test needs is left out. In a test, all systems are asked about the
    same sounds, which are spread over the classes; no sound comes back in another test while there are
    others. Half of the own drawings of a test stand on the left.

    Raises:
        UserError: no system has enough sounds, or they share too few sounds or classes.
    """
    places = {name: _first_places(drawings.rows) for name, drawings in systems.items()}
    for name in [name for name, own in places.items() if len(own) < per_system]:
        logger.warning("human study: %s is left out: it drew fewer than %d sounds", name, per_system)
        del places[name]
    if not places:
        raise UserError(f"human study: no system has drawn {per_system} sounds to ask about")
    shared = [item for item in next(iter(places.values())) if all(item in own for own in places.values())]
    labels = {row.item: row.label for drawings in systems.values() for row in drawings.rows}
    if len({labels[item] for item in shared}) < 2 or len(shared) < per_system:
        raise UserError(
            f"human study: {per_system} sounds of two classes or more are needed, and all systems "
            f"together have {len(shared)}"
        )
    random = np.random.default_rng([seed, 4])
    order = _spread(shared, labels, random)
    questions: list[Question] = []
    for test in range(1, tests + 1):
        start = (test - 1) * per_system
        items = [order[(start + i) % len(order)] for i in range(per_system)]
        asked = [(system, item) for system in places for item in items]
        sides = _halves(len(asked), random)
        for number in random.permutation(len(asked)):
            system, item = asked[number]
            other = _foil(item, shared, labels, random)
            questions.append(
                Question(
                    name=f"q{len(questions) + 1:03d}",
                    test=test,
                    system=system,
                    item=item,
                    own=places[system][item],
                    foil=places[system][other],
                    label=labels[item],
                    foil_label=labels[other],
                    own_side=sides[number],
                )
            )
    return questions


def study_name(questions: Sequence[Question], images: Mapping[str, np.ndarray]) -> str:
    """A short name that is another for other questions, sides or pictures: answers belong to one study."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(repr(question).encode())
        for row in (question.own, question.foil):
            digest.update(images[question.system][row].tobytes())
    return digest.hexdigest()[:12]


def _first_places(rows: Sequence[Drawn]) -> dict[str, int]:
    """The row of each item's first drawing from its own sound."""
    places: dict[str, int] = {}
    for i, row in enumerate(rows):
        if row.source_label in ("", row.label):
            places.setdefault(row.item, i)
    return places


def _spread(items: Sequence[str], labels: Mapping[str, str], random: np.random.Generator) -> list[str]:
    """All items in rounds of one from each class, classes and items in random order."""
    groups: dict[str, list[str]] = {}
    for i in random.permutation(len(items)):
        groups.setdefault(labels[items[i]], []).append(items[i])
    ordered: list[str] = []
    while any(groups.values()):
        ordered += [group.pop() for group in groups.values() if group]
    return ordered


def _halves(count: int, random: np.random.Generator) -> list[Side]:
    """As many left as right, one more where the number is odd, in random order."""
    first = int(random.integers(2))
    sides: list[Side] = ["left" if (i + first) % 2 == 0 else "right" for i in range(count)]
    return [sides[i] for i in random.permutation(count)]


def _foil(item: str, items: Sequence[str], labels: Mapping[str, str], random: np.random.Generator) -> str:
    """An item of another class."""
    others = [other for other in items if labels[other] != labels[item]]
    return others[int(random.integers(len(others)))]
