"""Which audio encoders there are, and whether the weights that they need are there. Imports nothing heavy.

Two names stand for encoders of the run itself (`wavbrivl`, `random`), one for a baseline without
weights (`logmel`), one for a training on each task (`supervised`). Every other name is an entry of
`evaluate.models`: a kind of the table below, and the place of its weights.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

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

WITH_WEIGHTS = tuple(kind for kind in KINDS if kind not in OWN)


class Model(Protocol):
    """The part of `config.evaluation.ModelConfig` that is needed here."""

    kind: str
    path: str
    id: str | None


def class_of(kind: str) -> tuple[str, str]:
    """Module and name of the class of a kind."""
    module, _, name = KINDS[kind].partition(":")
    return module, name


def kind_of(name: str, models: Mapping[str, Model]) -> str:
    """The kind behind a name of `evaluate.encoders`."""
    return name if name in OWN else models[name].kind


def weights_path(name: str, model: Model) -> Path:
    """Where a model's weights lie: the configured place, or where the hub's are fetched to."""
    return Path(f"data/weights/{name}" if model.id else model.path)


def weight_files(name: str, models: Mapping[str, Model]) -> list[str]:
    """The files that an encoder's weights are read from: the file, or all files of the folder."""
    if name in OWN:
        return []
    path = weights_path(name, models[name])
    if models[name].id:
        return [str(path)]
    return sorted(str(file) for file in path.iterdir() if file.is_file()) if path.is_dir() else [str(path)]


def absent_weights(names: Sequence[str], models: Mapping[str, Model]) -> dict[str, str]:
    """Encoders that cannot run because their weights are not there, each with a sentence that says so.

    Weights with a hub id count as there: a rule fetches them.
    """
    absent = {}
    for name in names:
        if name in OWN or name == SUPERVISED or models[name].id:
            continue
        path = Path(models[name].path)
        if not (path.is_file() or (path / "config.json").is_file()):
            absent[name] = f"not measured: no weights at {path} (evaluate.models.{name}.path)"
    return absent
