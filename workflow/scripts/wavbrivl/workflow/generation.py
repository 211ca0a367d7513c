"""What the rules of the generation stage ask of the configuration: which files, which keys."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wavbrivl.config import Config
from wavbrivl.generate.study import GENERATORS, STUDIES
from wavbrivl.generate.trained import TRAINED

NOT_TRAINED_BY = {"draw", "released", "released_adapter", "released_norm"}
"""Keys of a generator's section that do not change what is trained."""
DRAWN_BY = {"draw", "image_size", "released", "released_adapter", "released_norm"}
"""Keys of a generator's section that change what is drawn."""
COMPLETE = {
    "dalle": ["dvae/model.safetensors", "transformer/model.safetensors"],
    "diffusion": ["model_index.json"],
    "latent": ["config.json"],
}
"""Files below a generator's model folder that are there when it is trained."""


def generators_of(config: Config) -> list[str]:
    """Names of all generators: those of this package, and own ones."""
    return [*GENERATORS, *config.generate.own]


def drawings(folder: str, study: str, generators: Sequence[str] = GENERATORS) -> list[str]:
    """Pictures of one study by each generator that it is meant for; `folder` is `results/<run>/generate`."""
    meant = [name for name in generators if STUDIES[study].meant_for(name)]
    return [f"{folder}/{name}/drawings/{study}/images.npy" for name in meant]


def trained_files(folder: str, config: Config, generator: str) -> list[str]:
    """What was trained for a generator; nothing where a released model takes its place."""
    if generator in config.generate.own:
        return [f"{folder}/{generator}/model/{TRAINED}"]
    section = getattr(config.generate, generator)
    if getattr(section, "released", None):
        return []
    return [f"{folder}/{generator}/model/{name}" for name in COMPLETE[generator]]


def latent_files(config: Config) -> list[str]:
    """Files that `train_vq` leaves in its folder."""
    names = [
        "config.json",
        "diffusion_pytorch_model.safetensors",
        "free/training.jsonl",
        "quantised/training.jsonl",
    ]
    return names + (["latents.safetensors"] if config.generate.latent.vq.components else [])


def lacking_models(config: Config, run: Path) -> str | None:
    """Why another run's models cannot be taken, or None; `run` is its folder of results."""
    names = ("teacher/config.json", "model/model.safetensors", "generate/mapping/mapping.npz")
    wanted = [f"{run}/{name}" for name in names]
    generators = generators_of(config)
    wanted += [path for name in generators for path in trained_files(f"{run}/generate", config, name)]
    missing = next((path for path in wanted if not Path(path).is_file()), None)
    if missing is None:
        return None
    return f"models_of: there is no {missing}; the run '{run.name}' has to be finished first"


def model_files(run: Path, generators: Sequence[str] = GENERATORS) -> list[str]:
    """Every file of the models of a finished run, relative to its folder of results."""
    folders = ["teacher", "model", "generate/mapping", *(f"generate/{name}/model" for name in generators)]
    files = [path for folder in folders for path in sorted((run / folder).rglob("*")) if path.is_file()]
    return [path.relative_to(run).as_posix() for path in files]


def training_settings(config: Config, generator: str, *keys: str) -> dict[str, Any]:
    """The keys of a generator's section that decide its training: `keys`, or all of them."""
    section = getattr(config.generate, generator).model_dump(mode="json", exclude=NOT_TRAINED_BY)
    return {key: section[key] for key in keys} if keys else section


def drawing_settings(config: Config, generator: str) -> dict[str, Any]:
    """The keys of `generate` that decide how one generator draws."""
    repeats, own = config.generate.repeats, config.generate.own
    if generator in own:
        return {"repeats": repeats, "own": {generator: own[generator].model_dump(mode="json")}}
    section = getattr(config.generate, generator).model_dump(mode="json", include=DRAWN_BY)
    return {"repeats": repeats, generator: section}
