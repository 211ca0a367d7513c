"""What a configuration wants fetched, and under which name: the registry, and what the configuration adds."""

import re
from functools import cache
from pathlib import Path

from wavbrivl.config import Config
from wavbrivl.config.corpus import is_address
from wavbrivl.config.search import encoders_of
from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.corpus.registry import RegisteredFile
from wavbrivl.errors import UserError
from wavbrivl.weights.places import WEIGHTS
from wavbrivl.weights.registry import ON_THE_HUB, Weights, read_weights

CHECKPOINT = "brivl-checkpoint"
"""Name of BriVL's checkpoint, where the configuration gives an address and a checksum."""

_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")
_GIGABYTES = 1 << 30


def entries(config: Config) -> dict[str, Weights]:
    """Every set of weights that can be fetched under this configuration, by name.

    Raises:
        UserError: teacher.model is neither a folder nor a registered hub id, and has no revision; an
            entry of evaluate.models with a hub id has the name of other weights.
    """
    found = dict(read_weights())
    for name, model in config.evaluate.models.items():
        if model.id and name in found:
            raise UserError(f"evaluate.models.{name}: the registry of weights has this name; take another")
        if model.id:
            found[name] = _model(model.id, model.revision)
    teacher = config.teacher
    if is_address(teacher.checkpoint or ""):
        found[CHECKPOINT] = _checkpoint(teacher)
    if name := hub_name(teacher):
        registered = found.get(name)
        ours = registered is not None and registered.repo == teacher.model
        found[name] = registered if ours else _model(teacher.model, teacher.revision)
    return found


def name_of(path: str | Path | None) -> str | None:
    """The set whose folder holds `path`, or None for a path elsewhere."""
    parts = Path(path or "").parts
    depth = len(WEIGHTS.parts)
    return parts[depth] if parts[:depth] == WEIGHTS.parts and len(parts) > depth else None


def checkpoint_place(teacher: TeacherConfig) -> str | None:
    """Where the configured checkpoint lies, or will lie once it is fetched."""
    if not is_address(teacher.checkpoint or ""):
        return teacher.checkpoint
    return (WEIGHTS / CHECKPOINT / _checkpoint(teacher).addresses[0].name).as_posix()


def model_place(teacher: TeacherConfig) -> str:
    """The folder of teacher.model: its own, or the one it is fetched into."""
    name = hub_name(teacher)
    return (WEIGHTS / name).as_posix() if name else str(teacher.model)


def hub_name(teacher: TeacherConfig) -> str | None:
    """The name under which teacher.model is fetched from the hub, or None where it is a folder."""
    model = teacher.model or ""
    if teacher.kind != "huggingface" or not _is_hub_id(model):
        return None
    name = next((name for name, entry in read_weights().items() if entry.repo == model), None)
    if name and teacher.revision in (None, read_weights()[name].revision):
        return name
    if not teacher.revision:
        raise UserError(
            f"teacher.model: there is no folder {model}, and as a hub id it needs teacher.revision, "
            "the commit to fetch (40 digits, on the hub under 'Files and versions')"
        )
    return f"{model.replace('/', '--')}@{teacher.revision[:8]}"


def lacking(config: Config) -> str | None:
    """Why a configured path below the fetched weights can never be there, or None."""
    known = entries(config)
    for key, path in configured_paths(config):
        name = name_of(path)
        if name and name not in known and not Path(str(path)).exists():
            return f"{key}: there is no {path}, and the registry of weights has no '{name}'"
    return None


def configured_paths(config: Config) -> list[tuple[str, str | None]]:
    """The keys that may name something below `data/weights/`, with what they name."""
    return [
        ("teacher.checkpoint", config.teacher.checkpoint),
        ("teacher.vocabulary", config.teacher.vocabulary),
        ("teacher.model", config.teacher.model),
        *(("audio_encoder.wavlm.pretrained", path) for path in backbones(config)),
        ("studies.judge.clip", config.studies.judge.clip),
    ]


def backbones(config: Config) -> list[str]:
    """Folders of the pretrained WavLMs that are trained from: the grid's, or the one without a grid."""
    encoders = encoders_of(config.search, config.audio_encoder, config.training)
    return sorted({encoder.wavlm.pretrained for encoder in encoders if encoder.wavlm.pretrained})


@cache
def _is_hub_id(model: str) -> bool:
    """One slash, and no folder of that name; asked once, so that a run does not change its mind."""
    return bool(_HUB_ID.match(model)) and name_of(model) is None and not Path(model).is_dir()


def _checkpoint(teacher: TeacherConfig) -> Weights:
    address = str(teacher.checkpoint)
    name = re.sub(r"[^\w.-]", "_", address.rsplit("/", 1)[-1].split("?")[0]).lstrip(".") or "brivl.pth"
    file = RegisteredFile(name=name, address=address, sha256=teacher.checkpoint_sha256, limit=20 * _GIGABYTES)
    return Weights(
        title="BriVL, from the configured address", licence="that of its publisher", size="about 2.2 GB",
        addresses=(file,), limit=file.limit,
    )  # fmt: skip


def _model(repo: str, revision: str | None) -> Weights:
    """A model of the hub that transformers loads: no code, and pickles only where there is nothing else."""
    return Weights(
        title=f"{repo}, as configured",
        licence=ON_THE_HUB,
        size="unknown",
        repo=repo,
        revision=revision,
        files=("config.json",),
        optional=(
            "preprocessor_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json",
            "special_tokens_map.json", "vocab.json", "vocab.txt", "merges.txt", "spiece.model",
            "tokenizer.model", "model.safetensors.index.json",
        ),
        weights=("model.safetensors", "model-*-of-*.safetensors", "pytorch_model.bin"),
        limit=40 * _GIGABYTES,
    )  # fmt: skip
