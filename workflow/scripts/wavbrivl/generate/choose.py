"""Which held-out sounds a study draws from, and what is done to them."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders import Encoder
from wavbrivl.evaluate.gallery import Gallery, Sounds
from wavbrivl.generate.conditions import Conditions
from wavbrivl.generate.study import Study
from wavbrivl.teacher.pairs import Texts
from wavbrivl.world.seeds import generator

logger = logging.getLogger("wavbrivl")
HELD_OUT = "test"


@dataclass(frozen=True)
class Heard:
    """What conditions are made from.

    Attributes:
        gallery: the test split, with the teacher's image embeddings.
        sounds: media shards of the same clips.
        texts: of the same clips, in the teacher's language.
        encoder: the trained encoder; its projection is g(audio).
        embed_texts: the teacher's text tower, from n texts to [n, dim] of unit length.
        batch_size: sounds side by side.
    """

    gallery: Gallery
    sounds: Sounds
    texts: Texts
    encoder: Encoder
    embed_texts: Callable[[list[str]], np.ndarray]
    batch_size: int


def choose(study: Study, heard: Heard, count: int, seed: int) -> Conditions:
    """The conditions of a study.

    Args:
        study: what is wanted.
        heard: held-out clips and frozen models.
        count: clips at most, unless the study says otherwise.
        seed: of the draw.

    Raises:
        UserError: there are too few classes for the study's pairing.
    """
    if study.kind == "text":
        return _of_texts(heard)
    items = spread(heard.gallery.labels, study.items or count, seed)
    labels = [heard.gallery.labels[i] for i in items]
    sources = paired(study.pairing, items, labels, seed)
    if study.kind == "image":
        return _conditions(study, heard, items, sources, heard.gallery.images[sources])
    if not study.gains_db:
        return _conditions(study, heard, items, sources, _hear(heard, sources, 0.0))
    parts = [
        _conditions(study, heard, items, sources, _hear(heard, sources, gain), f"gain={gain:g}")
        for gain in study.gains_db
    ]
    return _interleaved(parts)


def spread(labels: Sequence[str], count: int, seed: int) -> list[int]:
    """Rows spread evenly over the classes, drawn by the seed: class after class in turn."""
    names = sorted(set(labels))
    decks = {}
    for name in names:
        rows = [i for i, label in enumerate(labels) if label == name]
        decks[name] = [rows[i] for i in generator("items", seed, name).permutation(len(rows))]
    deepest = max((len(deck) for deck in decks.values()), default=0)
    in_turn = [decks[name][turn] for turn in range(deepest) for name in names if turn < len(decks[name])]
    return in_turn[:count]


def paired(pairing: str, items: Sequence[int], labels: Sequence[str], seed: int) -> list[int]:
    """The source of every item, itself among `items`.

    `shuffled` gives each item the sound of an item of another class; `swapped` exchanges the sounds of the
    first and second class, of the third and fourth, and so on, in alphabetical order.

    Raises:
        UserError: there are fewer than two classes.
    """
    if pairing == "own":
        return list(items)
    names = sorted(set(labels))
    if len(names) < 2:
        raise UserError(f"a {pairing} study needs sounds of two classes at least, there are {len(names)}")
    if pairing == "shuffled":
        return _deranged(items, labels, seed)
    partner = dict(zip(names[::2], names[1::2], strict=False))
    partner |= {other: name for name, other in partner.items()}
    partner |= {name: names[0] for name in names if name not in partner}  # an odd one out
    members = {name: [i for i, label in zip(items, labels, strict=True) if label == name] for name in names}
    places = {name: 0 for name in names}
    sources = []
    for label in labels:
        deck = members[partner[label]]
        sources.append(deck[places[label] % len(deck)])
        places[label] += 1
    return sources


def _deranged(items: Sequence[int], labels: Sequence[str], seed: int) -> list[int]:
    """Sorted by class and turned by the largest class's size: nobody meets its own class, if that can be."""
    rng = generator("shuffled", seed)
    order = sorted(range(len(items)), key=lambda i: (labels[i], rng.random()))
    turn = max(labels.count(name) for name in set(labels))
    sources = [0] * len(items)
    for place, row in enumerate(order):
        sources[row] = items[order[(place + turn) % len(order)]]
    return sources


def _hear(heard: Heard, rows: Sequence[int], gain_db: float) -> np.ndarray:
    """g(audio) of the rows at a gain, [n, dim] of unit length; what exceeds full scale is clipped."""
    factor = np.float32(10 ** (gain_db / 20))
    unique = sorted(set(rows))
    sounds = [np.clip(heard.sounds.audio(row) * factor, -1, 1) for row in unique]
    projection = heard.encoder.embed(sounds, heard.batch_size).projection
    assert projection is not None
    place = {row: i for i, row in enumerate(unique)}
    return np.asarray(projection, dtype=np.float32)[[place[row] for row in rows]]


def _conditions(
    study: Study, heard: Heard, items: Sequence[int], sources: Sequence[int], vectors: np.ndarray,
    variant: str = "",
) -> Conditions:  # fmt: skip
    gallery = heard.gallery
    return Conditions(
        kind=study.kind,
        items=[gallery.clip_ids[i] for i in items],
        labels=[gallery.labels[i] for i in items],
        groups=[gallery.video_ids[i] for i in items],
        sources=[gallery.clip_ids[i] for i in sources],
        source_labels=[gallery.labels[i] for i in sources],
        variants=[variant] * len(items),
        texts=_said(heard, vectors),
        vectors=vectors,
    )


def _said(heard: Heard, vectors: np.ndarray) -> list[str]:
    """The zero-shot label of each vector, in the teacher's language: the nearest by the text tower.

    Nothing is said where the corpus has no labels.
    """
    names = sorted({name for name in heard.texts.names if name})
    if not names:
        return [""] * len(vectors)
    nearest = (vectors @ heard.embed_texts(names).T).argmax(axis=1)
    return [names[i] for i in nearest]


def _of_texts(heard: Heard) -> Conditions:
    """One condition a class, from its label in the teacher's language."""
    words = dict(sorted(zip(heard.texts.labels, heard.texts.names, strict=True)))
    labels, texts = list(words), list(words.values())
    return Conditions(
        kind="text",
        items=labels,
        labels=labels,
        groups=labels,
        sources=labels,
        source_labels=labels,
        variants=[""] * len(labels),
        texts=texts,
        vectors=heard.embed_texts(texts).astype(np.float32),
    )


def _interleaved(parts: Sequence[Conditions]) -> Conditions:
    """Variants of an item side by side."""
    names = ("items", "labels", "groups", "sources", "source_labels", "variants", "texts")
    count = len(parts[0])
    values = {name: [getattr(part, name)[i] for i in range(count) for part in parts] for name in names}
    vectors = np.stack([part.vectors for part in parts if part.vectors is not None], axis=1)
    return Conditions(parts[0].kind, **values, vectors=vectors.reshape(-1, vectors.shape[-1]))
