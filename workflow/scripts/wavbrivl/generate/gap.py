"""How far sounds and texts lie from images in the teacher's space, before and after the map."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wavbrivl.config.generation import MappingConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders import Encoder
from wavbrivl.evaluate.gallery import Gallery, embed_split
from wavbrivl.files import write_json
from wavbrivl.generate.frames import LEARNT_FROM
from wavbrivl.generate.mapping import Mapping, fit_mapping, write_mappings
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.interface import FrozenTeacher
from wavbrivl.teacher.pairs import read_texts


@dataclass(frozen=True)
class Pairs:
    """Clips of one split, each with three vectors of unit length.

    Attributes:
        split: of the corpus.
        clip_ids: [n].
        images: frame-averaged image embeddings, [n, dim].
        sources: by kind: g(audio), and the text embedding of the caption or label where the corpus has any,
            each [n, dim].
    """

    split: str
    clip_ids: list[str]
    images: np.ndarray
    sources: dict[str, np.ndarray]


def embed_pairs(
    gallery: Gallery,
    shards: MediaShards,
    split: str,
    encoder: Encoder,
    teacher: FrozenTeacher,
    batch_size: int,
) -> Pairs:
    """Embed a split's sounds and texts.

    Raises:
        UserError: a clip is of another split.
    """
    texts = read_texts(shards, teacher.language, split, wordless=True)
    audio = embed_split(shards, encoder, batch_size, split, projected=True).projection
    assert audio is not None
    sources = {"audio": audio}
    if any(texts.captions):
        sources["text"] = teacher.embed_texts(texts.captions, batch_size)
    return Pairs(split, gallery.clip_ids, gallery.images, sources)


def fit_and_measure(
    learnt: Pairs, held_out: Pairs, config: MappingConfig, maps: Path, measured: Path
) -> dict[str, Mapping]:
    """Fit one map a kind on train clips, and write maps and measurements.

    Raises:
        UserError: the maps would not be fitted on train clips.
    """
    if learnt.split != LEARNT_FROM:
        raise UserError(f"maps are fitted on the split '{LEARNT_FROM}', not on '{learnt.split}'")
    found = {kind: fit_mapping(vectors, learnt.images, config) for kind, vectors in learnt.sources.items()}
    write_mappings(maps, found)
    write_json(
        measured,
        {
            "settings": config.model_dump(),
            "kinds": {
                kind: {pairs.split: gap(pairs, kind, found[kind]) for pairs in (learnt, held_out)}
                for kind in found
            },
        },
    )
    return found


def gap(pairs: Pairs, kind: str, mapping: Mapping) -> dict[str, Any]:
    """Mean cosine to the own image, and distance of the means, without and with the map."""
    vectors = pairs.sources[kind]
    variants = {"unmapped": vectors, "mapped": mapping(vectors)}
    return {"n": len(vectors)} | {
        name: {
            "cosine_to_own_image": round(float((moved * pairs.images).sum(axis=1).mean()), 6),
            "distance_of_means": round(
                float(np.linalg.norm(moved.mean(axis=0) - pairs.images.mean(axis=0))), 6
            ),
        }
        for name, moved in variants.items()
        if len(moved)
    }
