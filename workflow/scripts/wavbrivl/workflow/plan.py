"""What must be known before any job runs: the input is sound, and how many shards there are."""

import csv
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.config import Config
from wavbrivl.config.corpus import is_address
from wavbrivl.corpus.lists import ListSummary, check_list, list_paths, shard_names
from wavbrivl.errors import UserError
from wavbrivl.labels.loader import label_file, words_for

CHECKED = ".checked"
"""Folder below the corpora: what was learnt from lists and videos when the workflow was planned."""


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
    summary = check_list(config.corpus, data / CHECKED, config.world)
    paths = list_paths(config.corpus, data / CHECKED, data / "embedded" / "world")
    return Plan(summary, shard_names(summary), [str(path) for path in paths])


def _labels_are_translated(config: Config) -> None:
    """Zero-shot asks in the teacher's language: every label of the benchmark must have a word there."""
    if config.evaluate.esc50.path:
        table = Path(config.evaluate.esc50.path) / "meta" / "esc50.csv"
        with table.open(encoding="utf-8", newline="") as handle:
            labels = sorted({row.get("category") or "" for row in csv.DictReader(handle)})
        words_for(labels, config.teacher.language, label_file("esc50"))


def lacks_texts(config: Config) -> str | None:
    """Why no teacher can be trained on this corpus, or None: lists have no captions, and English labels."""
    if config.corpus.format == "embedded":
        return None
    if config.corpus.format == "videos":
        lack = "videos without captions and labels"
    elif config.teacher.language != "en":
        lack = f"a clip list without captions, whose labels have no words in '{config.teacher.language}'"
    else:
        return None
    return f"teacher.checkpoint: a teacher cannot be trained on {lack}; name a checkpoint"


def _folders_exist(config: Config) -> None:
    for number, source in enumerate(config.corpus.sources):
        if source.kind in ("folder", "videos") and not Path(source.path or "").is_dir():
            raise UserError(f"corpus.sources[{number}].path: there is no folder {source.path}")
        archive = source.kind == "archive" and not is_address(source.path or "")
        if archive and not Path(source.path or "").is_file():
            raise UserError(f"corpus.sources[{number}].path: there is no file {source.path}")
        if source.cookies and not Path(source.cookies).is_file():
            raise UserError(f"corpus.sources[{number}].cookies: there is no file {source.cookies}")
    files = {
        "corpus.audioset_labels": config.corpus.audioset_labels,
        "teacher.checkpoint": config.teacher.checkpoint,
        "teacher.vocabulary": config.teacher.vocabulary,
    }
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
    esc50 = config.evaluate.esc50.path
    if esc50 and not (Path(esc50) / "meta" / "esc50.csv").is_file():
        raise UserError(f"evaluate.esc50.path: {esc50} holds no meta/esc50.csv")
