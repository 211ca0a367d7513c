"""Which drawings and metrics a configuration's studies have: what their rules are written with."""

from collections.abc import Sequence
from pathlib import Path

from wavbrivl.config import Config
from wavbrivl.generate.study import GENERATORS, STUDIES
from wavbrivl.studies.sets import measured, task_of


def study_sets(
    names: Sequence[str],
    possible: Sequence[str] = tuple(STUDIES),
    generators: Sequence[str] = GENERATORS,
) -> list[tuple[str, str]]:
    """(generator, study) of every set of drawings, each study by the generators that it is meant for.

    Args:
        names: the studies that are wanted.
        possible: those that the corpus allows.
        generators: that draw.
    """
    return [
        (generator, study)
        for study in names
        for generator in generators
        if study in possible and STUDIES[study].meant_for(generator)
    ]


def sets_of(sets: Sequence[tuple[str, str]], generator: str) -> list[str]:
    """The studies of one generator, in their order."""
    return [study for name, study in sets if name == generator]


def drawn(folder: str, sets: Sequence[tuple[str, str]], *studies: str) -> list[str]:
    """The pictures of some studies below `folder`; of all where none is named."""
    return [
        f"{folder}/{generator}/drawings/{study}/images.npy"
        for generator, study in sets
        if not studies or study in studies
    ]


def table3_tasks(sets: Sequence[tuple[str, str]]) -> list[str]:
    """The metrics of Table 3: the judge, real frames, and each set that is measured."""
    tasks = [task_of(generator, study) for generator, study in sets if measured(study)]
    return ["judge", "vegas_real", *tasks]


def lacking_clip(config: Config) -> str:
    """Why nothing is drawn under CLIP's score; empty where its weights are there."""
    folder = config.studies.clip
    if folder and (Path(folder) / "config.json").is_file():
        return ""
    why = f"there is no {folder}" if folder else "studies.clip names no weights"
    return f"not drawn, {why}"


def lacking_wav2clip(config: Config) -> str:
    """Why nothing is drawn from Wav2CLIP's embeddings; empty where its weights and CLIP's are there."""
    model = config.evaluate.models.get("wav2clip")
    if model is None or not Path(model.path).is_file():
        return f"not drawn, there is no {model.path if model else 'evaluate.models.wav2clip'}"
    lack = lacking_clip(config)
    return lack.replace("not drawn,", "not drawn, it draws under CLIP's score and") if lack else ""
