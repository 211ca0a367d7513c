"""The embedded Clotho: sounds of one to three events with five English captions each, in its layout."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from wavbrivl.config.captions import EmbeddedClothoConfig
from wavbrivl.files import atomic
from wavbrivl.progress import track
from wavbrivl.world.benchmarks import Ranges
from wavbrivl.world.classes import RATE_EN, SIZE_EN, EventClass, level
from wavbrivl.world.make import write_csv
from wavbrivl.world.seeds import generator
from wavbrivl.world.soundscape import Heard, deal_classes, draw_event, render, write_wav

SPLITS = ("development", "validation", "evaluation")
CAPTIONS = ("file_name", *(f"caption_{i}" for i in range(1, 6)))
METADATA = (
    "file_name", "keywords", "sound_id", "sound_link", "start_end_samples", "manufacturer", "license",
)  # fmt: skip
RANGES = Ranges()
_COUNTS, _COUNT_SHARES = (1, 2, 3), (0.3, 0.5, 0.2)
_SECONDS = (1.4, 2.4)
_OVERLAP_SECONDS = 0.2
_MARGIN_SECONDS = 0.3


@dataclass(frozen=True)
class ClothoClip:
    """One sound: `heard` in order of time, and how the five people who listened put it."""

    split: str
    name: str
    sound_id: int
    seconds: float
    heard: tuple[Heard, ...]

    @property
    def captions(self) -> tuple[str, ...]:
        return tuple(_sentence(wording(self.heard)) for wording in WORDINGS)


def write_clotho(out: Path, config: EmbeddedClothoConfig, seed: int) -> None:
    """Write captions, metadata (in ISO-8859-1, as published) and sounds of the three splits.

    Sounds are mono, 16 bit, 44.1 kHz, two to eight seconds long; their file names hold spaces at the
    front, double spaces, commas, brackets and `#`, as Clotho's do. A sound that is already there is
    whole and stays.

    Args:
        out: the benchmark's folder.
        config: how many sounds each split has.
        seed: of everything that is drawn.
    """
    for split in SPLITS:
        clips = plan_split(split, getattr(config, split), seed)
        for clip in track(clips, f"sounds of the embedded Clotho, {split}"):
            path = Path(out) / split / clip.name
            if not path.is_file():
                write_wav(
                    path, render(clip.heard, clip.seconds, generator("clotho wave", seed, clip.sound_id))
                )
        rows = ((clip.name, *clip.captions) for clip in clips)
        write_csv(Path(out) / f"clotho_captions_{split}.csv", CAPTIONS, rows)
        _write_metadata(Path(out) / f"clotho_metadata_{split}.csv", clips)


def plan_split(split: str, count: int, seed: int) -> list[ClothoClip]:
    """Draw the sounds of one split; a larger split begins with those of a smaller one."""
    classes = deal_classes(generator("clotho classes", seed, split))
    first = 100_000 * (1 + SPLITS.index(split))
    clips = []
    for number in range(count):
        rng = generator("clotho", seed, split, number)
        events = [next(classes) for _ in range(int(rng.choice(_COUNTS, p=_COUNT_SHARES)))]
        heard, seconds = _one_after_another(events, rng)
        clips.append(ClothoClip(split, _name(heard, number), first + number, seconds, heard))
    return clips


def _one_after_another(
    events: Sequence[EventClass], rng: np.random.Generator
) -> tuple[tuple[Heard, ...], float]:
    """Events in a row, each beginning a little before the last one ends; and the length of the sound."""
    heard, onset = [], float(rng.uniform(0, _MARGIN_SECONDS))
    for event in events:
        offset = onset + rng.uniform(*_SECONDS)
        heard.append(draw_event(event, onset, offset, RANGES, rng))
        onset = offset - rng.uniform(0, _OVERLAP_SECONDS)
    return tuple(heard), round(heard[-1].offset + rng.uniform(0, _MARGIN_SECONDS), 3)


def _name(heard: Sequence[Heard], number: int) -> str:
    noun, verb = heard[0].event.noun, heard[0].event.verb
    patterns = (
        f"{noun}_{verb}_{number:04d}.wav",
        f"{noun.capitalize()}  {verb}, take {number}.wav",
        f" {noun} {verb} ({number}).wav",
        f"Remix #{number}  of {number + 30938}__{noun}-{verb}.wav",
    )
    return patterns[number % len(patterns)]


def _size(one: Heard) -> str:
    return SIZE_EN[level(one.size)]


def _rate(one: Heard) -> str:
    return RATE_EN[level(one.rate)]


def _a(words: str) -> str:
    return f"a {words}"


def _plainly(heard: Sequence[Heard]) -> str:
    parts = [f"{_a(_size(one))} {one.event.noun} is {one.event.verb} {_rate(one)}" for one in heard]
    return " and then ".join(parts)


def _in_order(heard: Sequence[Heard]) -> str:
    parts = [f"{_a(one.event.noun)} {one.event.verb}" for one in heard]
    joined = ", followed by ".join(parts)
    return f"there is the sound of {joined}" if len(parts) > 1 else f"there is only the sound of {joined}"


def _keeping_on(heard: Sequence[Heard]) -> str:
    parts = [f"{_a(one.event.noun)} keeps {one.event.verb} {_rate(one)}" for one in heard]
    return ", after which ".join(parts) if len(parts) > 1 else f"{parts[0]} and does not stop"


def _giving_way(heard: Sequence[Heard]) -> str:
    parts = [f"the {one.event.verb} of {_a(_size(one))} {one.event.noun}" for one in heard]
    if len(parts) == 1:
        return f"{parts[0]} goes on all the time"
    pairs = [f"{before} gives way to {after}" for before, after in pairwise(parts)]
    return ", then ".join([pairs[0], *(pair.split(" gives way to ")[1] for pair in pairs[1:])])


def _someone(heard: Sequence[Heard]) -> str:
    parts = [f"{_a(_size(one))} {one.event.noun} {one.event.verb}" for one in heard]
    return f"someone is recording {' before '.join(parts)} {_rate(heard[-1])}"


WORDINGS = (_plainly, _in_order, _keeping_on, _giving_way, _someone)
"""The five people: each says the same in words of its own, and none says everything."""


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _write_metadata(path: Path, clips: Sequence[ClothoClip]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(METADATA)
    for clip in clips:
        keywords = ";".join([*(one.event.noun for one in clip.heard), "d\u00e9cor"])
        link = f"https://freesound.example/sounds/{clip.sound_id}"
        samples = f"[0, {round(clip.seconds * 44100)}]"
        writer.writerow(
            [clip.name, keywords, clip.sound_id, link, samples, "G\u00fcnter", "made by a program"]
        )
    with atomic(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="iso-8859-1", newline="")
