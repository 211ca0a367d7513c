"""Captioning on Clotho: what each encoder's captioner writes, scored beside one caption for everything."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from wavbrivl.config.captions import CaptionerConfig, ClothoConfig
from wavbrivl.evaluate.captions.consensus import consensus_caption
from wavbrivl.evaluate.captions.heard import Listened
from wavbrivl.evaluate.captions.scorers import Scoreboard, score_captions
from wavbrivl.evaluate.captions.training import fit_captioner
from wavbrivl.evaluate.intervals import interval, method, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.kinds import CAPTION_FREQUENCY as BASELINE
from wavbrivl.evaluate.result import Part, Result, metric, several_seeds
from wavbrivl.files import write_text

TASK = "clotho_captioning"
REFERENCE = "reference"
"""Stands in the place of the encoder's name, in the file of captions."""


@dataclass(frozen=True)
class Written:
    """A caption for each evaluated sound, and how the captioner came about; `parts` taught it."""

    captions: list[str]
    settings: dict[str, Any]
    protocol: str
    parts: dict[str, Part] = field(default_factory=dict)


def write_with(
    heard: dict[str, Listened], config: CaptionerConfig, seed: int, device: torch.device | str = "cpu"
) -> Written:
    """Train a captioner on one encoder's frames and let it write about the evaluation split."""
    development, validation, test = (heard[s] for s in ("development", "validation", "evaluation"))
    longest = max(len(frames) for split in heard.values() for frames in split.framed.features)
    learned = fit_captioner(
        development.framed.features,
        development.captions,
        validation.framed.features,
        validation.captions,
        longest,
        config,
        seed,
        device,
        f"captioner on {test.encoder}",
    )
    settings = {
        "captioner": config.model_dump(mode="json"),
        "kept_step": learned.step,
        "validation_loss": round(learned.loss, 6),
        "vocabulary": learned.words,
        "trained_on": {split: heard[split].facts() for split in ("development", "validation")},
    }
    protocol = (
        f"frames of the frozen encoder averaged to {config.frame_seconds:g} s; a transformer with "
        "cross-attention over them, trained from nothing on the development captions, the same for every "
        f"encoder, weights chosen on validation; beam search of width {config.beams}"
    )
    parts = {split: heard[split].part for split in ("development", "validation")}
    return Written(learned.write(test.framed.features), settings, protocol, parts)


def write_one_for_all(heard: dict[str, Listened]) -> Written:
    """The caption that is most like those of all development sounds that can be read, for every sound."""
    caption = consensus_caption(heard["development"].captions)
    protocol = "the development caption that is most like all development captions, for every sound"
    parts = {"development": heard["development"].part}
    return Written([caption] * len(heard["evaluation"].clips), {"caption": caption}, protocol, parts)


def measure(
    systems: Mapping[str, Written],
    test: Listened,
    config: ClothoConfig,
    bootstrap: int,
    seed: int,
    dataset: str,
    again: Mapping[str, Sequence[Written]] | None = None,
) -> dict[str, tuple[Result, Items]]:
    """Score all systems with one run of each metric: task `clotho_captioning`.

    Args:
        systems: by encoder; `BASELINE` has to be among them, its scores are what chance means here.
        test: the evaluation split; every encoder reads the same sounds of it.
        config: which metrics, and where SPICE finds its parser.
        bootstrap: resamples behind each interval.
        again: what captioners of further seeds wrote, by encoder.
    """
    everyone = {(name, seed): written.captions for name, written in systems.items()}
    everyone |= {
        (name, number): written.captions
        for name, several in (again or {}).items()
        for number, written in enumerate(several, start=seed + 1)
    }
    board = score_captions(
        everyone,
        test.captions,
        config.metrics,
        Path(config.corenlp),
    )
    return {
        name: (
            _result(name, written, board, test, bootstrap, seed, dataset),
            _items(test, written, board.systems[name, seed]),
        )
        for name, written in systems.items()
    }


def _result(
    name: str,
    written: Written,
    board: Scoreboard,
    test: Listened,
    bootstrap: int,
    seed: int,
    dataset: str,
) -> Result:
    n = len(test.captions)
    found = {
        key: metric(
            value_of(scored.statistic, n),
            interval(scored.statistic, test.groups, bootstrap, seed),
            value_of(board.systems[BASELINE, seed][key].statistic, n),
        )
        for key, scored in board.systems[name, seed].items()
    }
    seeds = [number for encoder, number in board.systems if encoder == name]
    values = [
        {key: value_of(scored.statistic, n) for key, scored in board.systems[name, number].items()}
        for number in seeds
    ]
    return Result(
        task=TASK,
        dataset=dataset,
        split="evaluation",
        protocol=f"{written.protocol}; {len(test.captions[0])} references a sound; words by "
        f"{board.tokenizer}; scorers of pycocoevalcap, CIDEr weighs words by the evaluated references; "
        "chance: the caption most like all development captions, for every sound",
        encoder=name,
        n=n,
        coverage=test.part.coverage,
        seed=seed,
        metrics=found,
        intervals=method(bootstrap),
        seeds=several_seeds(seeds, values),
        exclusions=test.part.exclusions,
        parts=written.parts,
        settings={**written.settings, "absent": dict(board.absent)},
    )


def _items(test: Listened, written: Written, scored: Mapping) -> Items:
    """What each sound scored in the metrics that are means over sounds."""
    return Items(
        item=[clip.sound.name for clip in test.clips],
        group=test.groups,
        label=[captions[0] for captions in test.captions],
        scores={name: one.items for name, one in scored.items() if one.items is not None},
        predicted=written.captions,
    )


def write_captions_table(path: Path, test: Listened, systems: Mapping[str, Written]) -> None:
    """Write `file_name,source,caption`: five rows under `reference` and one for each system."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file_name", "source", "caption"])
    for place, clip in enumerate(test.clips):
        rows = [(REFERENCE, caption) for caption in clip.captions]
        rows += [(name, written.captions[place]) for name, written in systems.items()]
        writer.writerows((clip.sound.name, *row) for row in rows)
    write_text(path, text.getvalue())
