"""Sound event detection of one encoder: learn on the training parts, choose, measure on the test part."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch

from wavbrivl.config.events import DesedConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders import Encoder
from wavbrivl.evaluate.events import score
from wavbrivl.evaluate.events.decode import detected_events, filter_frames, frame_targets
from wavbrivl.evaluate.events.desed import Event, Part, Recording, clamped, read_part
from wavbrivl.evaluate.events.head import Detector, Lesson, fit_head
from wavbrivl.evaluate.events.measured import Scored
from wavbrivl.evaluate.intervals import method, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.result import Part as PartFound
from wavbrivl.evaluate.result import Result, part_of, several_seeds
from wavbrivl.evaluate.sounds import frame_sounds
from wavbrivl.files import write_text

REFERENCE = "reference"
"""Stands in the place of the encoder's name, in the file of events."""


@dataclass(frozen=True)
class Desed:
    """The parts that a run uses, and the classes in alphabetical order."""

    dataset: str
    train: tuple[Part, ...]
    select: Part | None
    test: Part
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Heard:
    """A part as an encoder hears it: the recordings that could be read, their frames and lengths.

    Attributes:
        late, beyond: events that end after their clip, and those of them that begin there and are gone.
        duplicates: rows of the table that stood there twice.
        part: what there was of it.
    """

    recordings: list[Recording]
    features: list[np.ndarray]
    seconds: list[float]
    events: list[list[Event]]
    late: int
    beyond: int
    duplicates: tuple[str, ...]
    part: PartFound


@dataclass(frozen=True)
class Detection:
    """The outcome of one encoder; `events` by file name, those of the reference and those detected."""

    result: Result
    items: Items
    reference: dict[str, list[Event]]
    detected: dict[str, list[Event]]


def read_desed(folder: Path, config: DesedConfig, dataset: str) -> Desed:
    """Read the tables of the parts that the configuration names.

    Raises:
        UserError: as `read_part`, or a class that is tested and never trained on, or a test part in
            which nothing happens.
    """
    names = [*config.train, *(["weak"] if config.weak else [])]
    train = tuple(read_part(folder, name) for name in names)
    select = read_part(folder, config.select) if config.searched else None
    test = read_part(folder, config.test)
    known = frozenset().union(*(part.labels for part in train if part.name != "weak"))
    for part in (*train, test, *([select] if select else [])):
        if unknown := sorted(part.labels - known):
            raise UserError(f"{part.table}: '{unknown[0]}' never occurs with times in {', '.join(names)}")
    if not test.labels:
        raise UserError(f"{test.table}: no file has an event, so there is nothing to detect")
    return Desed(dataset, train, select, test, tuple(sorted(known)))


def run_desed(
    desed: Desed,
    encoder: Encoder,
    config: DesedConfig,
    bootstrap: int,
    batch_size: int,
    seed: int,
    device: torch.device | str = "cpu",
    seeds: int = 1,
) -> Detection:
    """Measure one encoder: task `desed`.

    Args:
        bootstrap: resamples behind each interval.
        batch_size: sounds of equal length embedded side by side.
        device: where the frame head is trained.
        seeds: how many heads are trained, counted from `seed`; the first gives the result.

    Raises:
        UserError: a part of which no sound can be read.
    """
    hop = config.frame_seconds
    heard = {part.name: _hear(part, encoder, hop, batch_size) for part in desed.train}
    lessons = [
        lesson for part in desed.train for lesson in _lessons(part, heard[part.name], desed.labels, hop)
    ]
    chosen_on = _hear(desed.select, encoder, hop, batch_size) if desed.select else None
    test = _hear(desed.test, encoder, hop, batch_size)
    if not any(test.events):
        raise UserError(f"{desed.test.table}: no file that can be read has an event")

    def attempt(number: int) -> tuple[tuple[float, float], list[list[Event]]]:
        """Threshold and filter, and what is detected, with the head of one seed."""
        what = f"frame head on {encoder.name}, seed {number}"
        detect = fit_head(lessons, len(desed.labels), hop, config.head, number, device, what)
        chosen = _choose(desed, detect, chosen_on, config)
        return chosen, _decode(detect(test.features), test.seconds, desed.labels, chosen, hop)

    numbers = range(seed, seed + seeds)
    attempts = [attempt(number) for number in numbers]
    chosen, detected = attempts[0]
    scored = [Scored(test.events, found, test.seconds, desed.labels) for _, found in attempts]
    groups = [recording.sound.group for recording in test.recordings]
    others = heard | ({desed.select.name: chosen_on} if chosen_on else {})
    result = Result(
        task="desed",
        dataset=desed.dataset,
        split=desed.test.name,
        protocol=_protocol(desed, config, chosen),
        encoder=encoder.name,
        n=len(test.recordings),
        coverage=test.part.coverage,
        seed=seed,
        metrics=scored[0].metrics(groups, bootstrap, seed),
        intervals=method(bootstrap),
        seeds=several_seeds(numbers, [one.values() for one in scored]),
        classes=len(desed.labels),
        exclusions=test.part.exclusions,
        parts={name: one.part for name, one in others.items()},
        settings={
            "head": config.head.model_dump(mode="json"),
            "frame_seconds": hop,
            "threshold": chosen[0],
            "median_seconds": chosen[1],
            "trained_on": {name: _facts(one, timed=name != "weak") for name, one in heard.items()},
            **({"chosen_on": {desed.select.name: _facts(chosen_on)}} if chosen_on else {}),
            "tested_on": _facts(test),
            "class_f1": scored[0].by_class(),
        },
    )
    names = [recording.sound.name for recording in test.recordings]
    items = Items(
        item=names,
        group=groups,
        label=[_joined(events) for events in test.events],
        scores={"segment_f1_files": scored[0].of_files},
        predicted=[_joined(events) for events in detected],
    )
    return Detection(
        result,
        items,
        dict(zip(names, test.events, strict=True)),
        dict(zip(names, detected, strict=True)),
    )


def write_events(path: Path, reference: Mapping, detected: Mapping[str, Mapping]) -> None:
    """Write `encoder,filename,onset,offset,event_label`; the truth stands under `reference`.

    A file without events has one row with three empty cells, as in DESED's own tables.

    Args:
        reference: events by file name.
        detected: for each encoder, events by file name.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["encoder", "filename", "onset", "offset", "event_label"])
    for encoder, files in {REFERENCE: reference, **detected}.items():
        for name, events in files.items():
            rows = [(f"{e.onset:.3f}", f"{e.offset:.3f}", e.label) for e in events] or [("", "", "")]
            writer.writerows((encoder, name, *row) for row in rows)
    write_text(path, text.getvalue())


def _hear(part: Part, encoder: Encoder, hop: float, batch_size: int) -> Heard:
    sounds = [recording.sound for recording in part.recordings]
    framed = frame_sounds(sounds, encoder, hop, batch_size, f"DESED {part.name} sounds")
    kept = [part.recordings[i] for i in framed.kept]
    seconds = [float(length) for length in framed.seconds]
    cut = [clamped(recording.events, length) for recording, length in zip(kept, seconds, strict=True)]
    return Heard(
        kept,
        framed.features,
        seconds,
        [events for events, _, _ in cut],
        sum(late for _, late, _ in cut),
        sum(beyond for _, _, beyond in cut),
        part.duplicates,
        part_of(len(part.recordings), framed.exclusions),
    )


def _lessons(part: Part, heard: Heard, labels: Sequence[str], hop: float) -> list[Lesson]:
    if part.name == "weak":
        known = [np.array([label in r.labels for label in labels], np.float32) for r in heard.recordings]
    else:
        known = [
            frame_targets(events, labels, len(frames), hop)
            for events, frames in zip(heard.events, heard.features, strict=True)
        ]
    return [Lesson(frames, targets) for frames, targets in zip(heard.features, known, strict=True)]


def _choose(desed: Desed, detect: Detector, heard: Heard | None, config: DesedConfig) -> tuple[float, float]:
    """Threshold and filter with the best segment F1 on the part for choosing; the first one on a tie."""
    options = list(product(config.thresholds, config.median_seconds))
    if heard is None:
        return options[0]
    probabilities = detect(heard.features)
    found = []
    for option in options:
        detected = _decode(probabilities, heard.seconds, desed.labels, option, config.frame_seconds)
        counts = score.segment_counts(heard.events, detected, heard.seconds, desed.labels)
        found.append(np.nan_to_num(value_of(score.macro_f1(counts), len(counts))))
    return options[int(np.argmax(found))]


def _decode(
    probabilities: Sequence[np.ndarray],
    seconds: Sequence[float],
    labels: Sequence[str],
    chosen: tuple[float, float],
    hop: float,
) -> list[list[Event]]:
    threshold, median = chosen[0], filter_frames(chosen[1], hop)
    return [
        detected_events(rows, labels, threshold, median, hop, length)
        for rows, length in zip(probabilities, seconds, strict=True)
    ]


def _facts(heard: Heard, timed: bool = True) -> dict:
    """What was in a part, and what of its labels did not fit; without `timed` its events have no times."""
    facts = {
        "files": len(heard.recordings),
        "left_out": heard.part.coverage.missing,
        "rows_that_stood_there_twice": list(heard.duplicates),
    }
    events = {
        "events": sum(len(events) for events in heard.events),
        "files_without_events": sum(not events for events in heard.events),
        "offsets_past_the_end": heard.late,
        "events_past_the_end": heard.beyond,
    }
    return facts | (events if timed else {})


def _joined(events: Sequence[Event]) -> str:
    return "+".join(sorted({event.label for event in events}))


def _protocol(desed: Desed, config: DesedConfig, chosen: tuple[float, float]) -> str:
    how = f"chosen on {desed.select.name} by segment F1" if desed.select else "given"
    return (
        f"frames of the frozen encoder averaged to {config.frame_seconds:g} s; one frame head, trained on "
        f"{' and '.join(part.name for part in desed.train)}; threshold {chosen[0]:g} and median filter of "
        f"{chosen[1]:g} s, {how}; scored by sed_eval: segments of {score.SEGMENT_SECONDS:g} s; events with "
        f"a collar of {score.COLLAR_SECONDS:g} s, for offsets or {score.COLLAR_SHARE:.0%} of the length; "
        "files without events count; a class of which nothing is found scores 0; "
        "chance: every class from beginning to end"
    )
