"""What must be known before any job runs: the input is sound, and how many shards there are."""

import csv
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.audio.fit import refuse_backbone
from wavbrivl.config import Config
from wavbrivl.config.captions import CLOTHO_SPLITS
from wavbrivl.config.corpus import is_address
from wavbrivl.config.events import PLACES
from wavbrivl.config.search import encoders_of
from wavbrivl.corpus.lists import ListSummary, check_list, list_paths, shard_names
from wavbrivl.errors import UserError
from wavbrivl.labels.loader import label_file, words_for
from wavbrivl.teacher.fit import refuse_misfit
from wavbrivl.weights.wanted import (
    backbones,
    checkpoint_place,
    entries,
    hub_name,
    lacking,
    model_place,
    name_of,
)
from wavbrivl.workflow.foreign import foreign_modules, generator_modules

CHECKED = ".checked"
"""Folder below the corpora: what was learnt from lists and videos when the workflow was planned."""

_TABLES = {
    "esc50": ("meta/esc50.csv", "category"),
    "urbansound8k": ("metadata/UrbanSound8K.csv", "class"),
}
"""Benchmarks with a path of their own: their table, and its column of labels."""


@dataclass(frozen=True)
class Plan:
    """What the checked list holds, the names of each split's shards, and the files of the list."""

    summary: ListSummary
    shards: dict[str, list[str]]
    lists: list[str]


def plan_run(config: Config, data: Path) -> Plan:
    """Check every input that the configuration names and derive the shards.

    Args:
        config: the checked configuration.
        data: folder of the corpora; the result of checking a clip list is kept below it.

    Raises:
        UserError: a folder or file that is not there, or a bad row of a clip list.
    """
    _folders_exist(config)
    _labels_are_translated(config)
    foreign_modules(config.evaluate.encoders, config.evaluate.models)
    generator_modules(config.generate.own)
    _teacher_fits(config)
    summary = check_list(config.corpus, data / CHECKED, config.world)
    paths = list_paths(config.corpus, data / CHECKED, data / "embedded" / "world")
    return Plan(summary, shard_names(summary), [str(path) for path in paths])


def _teacher_fits(config: Config) -> None:
    """A teacher whose dimensions are not the configured ones is refused now, not by its first job."""
    if config.models_of:
        return  # the other run's teacher is taken, whatever is configured here
    teacher, checkpoint = config.teacher, checkpoint_place(config.teacher)
    model = Path(model_place(teacher)) if teacher.kind == "huggingface" else None
    refuse_misfit(teacher, Path(checkpoint) if checkpoint else None, model)


def _labels_are_translated(config: Config) -> None:
    """Zero-shot asks in the teacher's language: every label of the benchmark must have a word there."""
    for name, (table, column) in _TABLES.items():
        benchmark = getattr(config.evaluate, name)
        if folder := benchmark.path:
            words = Path(benchmark.translations or label_file(name))
            with (Path(folder) / table).open(encoding="utf-8", newline="") as handle:
                labels = sorted({row.get(column) or "" for row in csv.DictReader(handle)})
            words_for(labels, config.teacher.language, words)


def lacks_texts(config: Config) -> str | None:
    """Why no teacher can be trained on this corpus, or None: lists have no captions, and English labels."""
    brings_words = config.corpus.format in ("embedded", "vegas")  # in both languages
    if brings_words or config.teacher.kind == "huggingface":
        return None
    if config.corpus.format == "videos":
        lack = "videos without captions and labels"
    elif config.teacher.language != "en":
        lack = f"a clip list without captions, whose labels have no words in '{config.teacher.language}'"
    else:
        return None
    return f"teacher.checkpoint: a teacher cannot be trained on {lack}; name a checkpoint"


def lacks_words(config: Config, plan: Plan, words: Path) -> str | None:
    """Why the corpus's classes cannot be asked for in the teacher's language, or None, as far as lists say.

    Args:
        words: the file that translates the corpus's labels.
    """
    try:
        words_for(plan.summary.labels, config.teacher.language, words)
    except UserError as error:
        return f"{error} (evaluate.vggsound.translations names a file of your own)"
    return None


def lacks_labels(config: Config) -> str | None:
    """Why nothing can be said about classes of the corpus, or None."""
    if "videos" in _formats(config):
        return "not measured: the clips of the corpus have no labels"
    return None


def lacks_classes(config: Config, plan: Plan) -> str | None:
    """Why the corpus's clips cannot be classified, or None."""
    if lack := lacks_labels(config):
        return lack
    if "audioset" in _formats(config):
        return "not measured: clips of AudioSet have several labels each, and the task takes one"
    return None if plan.shards["test"] else "not measured: the corpus has no test split"


def _formats(config: Config) -> set[str]:
    return {config.corpus.format, *(file.format for file in config.corpus.clip_list)}


def _datasets_exist(config: Config) -> None:
    """Folders that are named for an evaluation are there, and hold their tables."""
    for name, (table, _) in _TABLES.items():
        folder = getattr(config.evaluate, name).path
        if folder and not (Path(folder) / table).is_file():
            raise UserError(f"evaluate.{name}.path: {folder} holds no {table}")
    desed, clotho = config.evaluate.desed, config.evaluate.clotho
    parts = [(f"metadata/{PLACES[part]}.tsv", f"audio/{PLACES[part]}") for part in desed.parts]
    splits = [(f"clotho_captions_{split}.csv", split) for split in CLOTHO_SPLITS]
    for key, path, wanted in (("desed", desed.path, parts), ("clotho", clotho.path, splits)):
        if path is None:
            continue
        if not Path(path).is_dir():
            raise UserError(f"evaluate.{key}.path: there is no folder {path}")
        for table, sounds in wanted:
            if not (Path(path) / table).is_file():
                raise UserError(f"evaluate.{key}.path: {path} holds no {table}")
            if not (Path(path) / sounds).is_dir():
                raise UserError(f"evaluate.{key}.path: {path} holds no folder {sounds}")


def _folders_exist(config: Config) -> None:
    for number, source in enumerate(config.corpus.sources):
        folder = source.path if source.kind in ("folder", "videos", "vegas") else None
        if folder and not Path(folder).is_dir():
            raise UserError(f"corpus.sources[{number}].path: there is no folder {source.path}")
        archive = source.kind == "archive" and not is_address(source.path or "")
        if archive and not Path(source.path or "").is_file():
            raise UserError(f"corpus.sources[{number}].path: there is no file {source.path}")
        if source.cookies and not Path(source.cookies).is_file():
            raise UserError(f"corpus.sources[{number}].cookies: there is no file {source.cookies}")
    files = {
        "corpus.vegas.test_list": config.corpus.vegas.test_list,
        "studies.features.vggsound_inception": config.studies.features.vggsound_inception,
        "corpus.audioset_labels": config.corpus.audioset_labels,
        "teacher.checkpoint": config.teacher.checkpoint,
        "teacher.vocabulary": config.teacher.vocabulary,
    }
    translated = ("esc50", "urbansound8k", "vggsound")
    files |= {
        f"evaluate.{name}.translations": getattr(config.evaluate, name).translations for name in translated
    }
    files["generate.diffusion.released_adapter"] = config.generate.diffusion.released_adapter
    # Addresses and what lies among the weights are fetched by a rule.
    files = {key: path for key, path in files.items() if not is_address(path or "") and not name_of(path)}
    files |= {f"corpus.clip_list[{i}]": file.path for i, file in enumerate(config.corpus.clip_list)}
    files |= {
        f"corpus.exclude_videos_in[{i}]": path for i, path in enumerate(config.corpus.exclude_videos_in)
    }
    for key, path in files.items():
        if path and not Path(path).is_file():
            raise UserError(f"{key}: there is no file {path}")
    for generator in ("diffusion", "latent"):
        released = getattr(config.generate, generator).released
        if released and not Path(released).is_dir():
            raise UserError(f"generate.{generator}.released: there is no folder {released}")
    _weights_exist(config)
    refuse_the_guide(config)
    _datasets_exist(config)


def _weights_exist(config: Config) -> None:
    """Folders of weights are there, or can be fetched."""
    if lack := lacking(config):
        raise UserError(lack)
    if config.teacher.image.regions == "boxes" and not config.teacher.boxes:
        raise UserError("teacher.image.regions 'boxes' needs teacher.boxes, the folder that holds them")
    folders = [
        *(("audio_encoder.wavlm.pretrained", path) for path in backbones(config)),
        ("teacher.model", None if hub_name(config.teacher) else config.teacher.model),
        ("teacher.boxes", config.teacher.boxes),
        ("generate.diffusion.released", config.generate.diffusion.released),
        ("generate.latent.released", config.generate.latent.released),
    ]
    for key, path in folders:
        if path and not name_of(path) and not Path(path).is_dir():
            raise UserError(f"{key}: there is no folder {path}")
    known = entries(config)
    for audio in encoders_of(config.search, config.audio_encoder, config.training):
        wanted = known.get(name_of(audio.wavlm.pretrained) or "")
        refuse_backbone(audio, wanted.repo if wanted else None)


def refuse_the_guide(config: Config) -> None:
    """A judge that guided the drawing would praise itself.

    Raises:
        UserError: the judge's folder is the teacher's, or holds no model.
    """
    judge, teacher = config.studies.judge.clip, config.teacher.model
    if judge and not name_of(judge) and not (Path(judge) / "config.json").is_file():
        raise UserError(f"studies.judge.clip: {judge} holds no model (config.json is missing)")
    if judge and teacher and Path(judge).resolve() == Path(teacher).resolve():
        raise UserError(f"studies.judge.clip: {judge} is the teacher, which guides the drawing")
