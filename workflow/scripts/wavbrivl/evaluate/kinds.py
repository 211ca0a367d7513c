"""Which audio encoders there are, and whether the weights that they need are there. Imports nothing heavy.

Two names stand for encoders of the run itself (`wavbrivl`, `random`), one for a baseline without
weights (`logmel`), one for a training on each task (`supervised`). Every other name is an entry of
`evaluate.models`: a kind of the table below, or `module:Class` for a class of anybody's on the Python
path, and the place of its weights.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from wavbrivl.named_class import is_named_class
from wavbrivl.weights.places import RECORD, WEIGHTS, record_of

KINDS: dict[str, str] = {
    "wavbrivl": "wavbrivl.evaluate.encoders.wavbrivl:WavBriVL",
    "random": "wavbrivl.evaluate.encoders.wavbrivl:RandomWeights",
    "logmel": "wavbrivl.evaluate.encoders.logmel:LogMel",
    "wav2clip": "wavbrivl.evaluate.encoders.wav2clip:Wav2Clip",
    "openl3": "wavbrivl.evaluate.encoders.openl3:OpenL3",
    "huggingface": "wavbrivl.evaluate.encoders.huggingface:HuggingFace",
}
"""Where each kind's class is. A kind is imported when it is used, so that one adapter's code does not
belong to another one's digest."""

OWN = ("wavbrivl", "random", "logmel")
"""Names that need no entry in `evaluate.models`."""

SUPERVISED = "supervised"
"""Not an embedding: the encoder's architecture trained from scratch on each task."""

CAPTION_FREQUENCY = "caption_frequency"
"""Stands in the place of an encoder in captioning: one caption for all sounds."""

WITH_WEIGHTS = tuple(kind for kind in KINDS if kind not in OWN)


FETCH = "snakemake --cores 1 fetch_audio_models"
"""The command that fetches what has a hub id."""


class Model(Protocol):
    """The part of `config.evaluation.ModelConfig` that is needed here."""

    kind: str
    path: str
    id: str | None
    revision: str | None


def class_of(kind: str) -> tuple[str, str]:
    """Module and name of the class of a kind."""
    module, _, name = (kind if is_named_class(kind) else KINDS[kind]).partition(":")
    return module, name


def kind_of(name: str, models: Mapping[str, Model]) -> str:
    """The kind behind a name of `evaluate.encoders`."""
    return name if name in OWN else models[name].kind


def weights_path(name: str, model: Model) -> Path:
    """Where a model's weights lie: the configured place, or where the hub's are fetched to."""
    return WEIGHTS / name if model.id else Path(model.path)


def weight_files(name: str, models: Mapping[str, Model]) -> list[str]:
    """The files that an encoder's weights are read from, or the record that stands for a fetched folder."""
    if name in OWN or not (models[name].path or models[name].id):
        return []
    path = weights_path(name, models[name])
    if (path / RECORD).is_file() and models[name].id:
        return [record_of(name)]
    return sorted(str(file) for file in path.iterdir() if file.is_file()) if path.is_dir() else [str(path)]


def absent_weights(names: Sequence[str], models: Mapping[str, Model]) -> dict[str, str]:
    """Encoders that cannot run because their weights are not there, each with a sentence that says so.

    Nothing is fetched in passing: an evaluation must not fail because the hub cannot be reached.
    """
    absent = {}
    for name in names:
        if name in OWN or name == SUPERVISED or not (models[name].path or models[name].id):
            continue
        path = weights_path(name, models[name])
        if not (path.is_file() or (path / "config.json").is_file()):
            absent[name] = f"not measured: no weights at {path} ({_remedy(name, models[name])})"
        elif models[name].id and (other := _other_commit(path, models[name])):
            absent[name] = f"not measured: {path} holds {other} ({_remedy(name, models[name])})"
    return absent


def _remedy(name: str, model: Model) -> str:
    return f"{FETCH} fetches {model.id}" if model.id else f"evaluate.models.{name}.path"


def _other_commit(folder: Path, model: Model) -> str | None:
    """What a fetched folder holds instead of the configured commit; one that was put there has no record."""
    try:
        fetched = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        found = f"{fetched['repo']} at {fetched['commit'][:8]}"
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return f"a {RECORD} that cannot be read"
    return None if (fetched["repo"], fetched["commit"]) == (model.id, model.revision) else found
