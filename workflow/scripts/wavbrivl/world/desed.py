"""The embedded DESED: soundscapes of the world's events in the layout of DCASE 2021's task 4.

Synthetic parts are cleaner than the recorded ones, as in the original, and the recorded parts hold
files without any event and offsets a little past the end of the clip.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wavbrivl.config.events import PLACES, EmbeddedDesedConfig
from wavbrivl.files import write_text
from wavbrivl.progress import track
from wavbrivl.world.benchmarks import Ranges
from wavbrivl.world.classes import EventClass
from wavbrivl.world.seeds import generator
from wavbrivl.world.soundscape import Heard, deal_classes, draw_event, render, write_wav

SECONDS = 10.0
PARTS = tuple(EmbeddedDesedConfig.model_fields)
"""The parts that the embedded benchmark has."""

SYNTHETIC = Ranges(snr_db=(6.0, 24.0))
RECORDED = Ranges()
_LONG_CLASSES = ("cloud", "car")
_LONG_SHARE = 0.4
_EMPTY_EVERY = 8
_COUNTS, _COUNT_SHARES = (1, 2, 3, 4), (0.3, 0.35, 0.25, 0.1)
_GAP_SECONDS = 0.25
_TRIES = 20
_LATE_SECONDS = 0.12


@dataclass(frozen=True)
class Soundscape:
    """One file of a part; `heard` are its events as they sound, in order of onset."""

    part: str
    name: str
    heard: tuple[Heard, ...]


def write_desed(out: Path, config: EmbeddedDesedConfig, seed: int) -> None:
    """Write `metadata/**.tsv` and `audio/**.wav` of every part.

    Files are mono, 16 bit, 44.1 kHz and ten seconds long. A sound that is already there is whole and
    stays.

    Args:
        out: the benchmark's folder.
        config: how many soundscapes each part has.
        seed: of everything that is drawn.
    """
    for part in PARTS:
        place = PLACES[part]
        plans = plan_part(part, getattr(config, part), seed)
        for plan in track(plans, f"sounds of the embedded DESED, {part}"):
            path = Path(out) / "audio" / place / plan.name
            if not path.is_file():
                write_wav(path, render(plan.heard, SECONDS, generator("desed wave", seed, part, plan.name)))
        write_text(Path(out) / "metadata" / f"{place}.tsv", _table(part, plans, seed))


def plan_part(part: str, count: int, seed: int) -> list[Soundscape]:
    """Draw the soundscapes of one part; a larger part begins with those of a smaller one."""
    classes = deal_classes(generator("desed classes", seed, part))
    plans = []
    for number in range(count):
        rng = generator("desed", seed, part, number)
        empty = part in ("validation", "public") and number % _EMPTY_EVERY == _EMPTY_EVERY - 1
        heard = () if empty else _events(part, classes, rng)
        plans.append(Soundscape(part, _name(part, number, seed), heard))
    return plans


def label_of(event: EventClass) -> str:
    """A class in DESED's way: `Alarm_bell_ringing`."""
    return event.label.replace(" ", "_").capitalize()


def _events(part: str, classes: Iterator[EventClass], rng: np.random.Generator) -> tuple[Heard, ...]:
    ranges = SYNTHETIC if part.startswith("synthetic") else RECORDED
    heard: list[Heard] = []
    for _ in range(int(rng.choice(_COUNTS, p=_COUNT_SHARES))):
        event = next(classes)
        for _ in range(_TRIES):
            onset, offset = _times(event, rng)
            if not _meets(heard, event, onset, offset):
                heard.append(draw_event(event, onset, offset, ranges, rng))
                break
    return tuple(sorted(heard, key=lambda one: one.onset))


def _times(event: EventClass, rng: np.random.Generator) -> tuple[float, float]:
    """Onset and offset in seconds; an event that runs over the end is cut there."""
    lasting = event.name in _LONG_CLASSES and rng.uniform() < _LONG_SHARE
    seconds = rng.uniform(5.0, SECONDS) if lasting else rng.uniform(1.2, 3.5)
    onset = rng.uniform(0, SECONDS - 0.8 * seconds)
    return onset, min(SECONDS, onset + seconds)


def _meets(heard: Sequence[Heard], event: EventClass, onset: float, offset: float) -> bool:
    """Whether an event of the same class is so near that a listener would hear one."""
    return any(
        one.event is event and one.onset < offset + _GAP_SECONDS and onset < one.offset + _GAP_SECONDS
        for one in heard
    )


def _name(part: str, number: int, seed: int) -> str:
    """File names as published: numbers, `Y<id>_<start>.000_<end>.000.wav`, `<id>_<start>_<end>.wav`."""
    if part.startswith("synthetic"):
        return f"{number}.wav"
    digest = hashlib.sha256(f"desed/{seed}/{part}/{number}".encode()).digest()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    video = "".join(alphabet[byte % 64] for byte in digest[:11])
    start = 10 * (digest[11] % 30)
    if part == "public":
        return f"{video}_{start}_{start + 10}.wav"
    return f"Y{video}_{start}.000_{start + 10}.000.wav"


def _table(part: str, plans: Sequence[Soundscape], seed: int) -> str:
    text = io.StringIO()
    text.write("filename\tevent_labels\n" if part == "weak" else "filename\tonset\toffset\tevent_label\n")
    for plan in plans:
        if part == "weak":
            labels = sorted({label_of(one.event) for one in plan.heard})
            text.write(f"{plan.name}\t{','.join(labels)}\n")
            continue
        rng = generator("desed annotation", seed, part, plan.name)
        for one in [_annotated(part, one, rng) for one in plan.heard]:
            text.write(f"{plan.name}\t{one.onset:.3f}\t{one.offset:.3f}\t{label_of(one.event)}\n")
        if not plan.heard:
            text.write(f"{plan.name}\t\t\t\n")
    return text.getvalue()


def _annotated(part: str, one: Heard, rng: np.random.Generator) -> Heard:
    """What the table says: in recorded parts, an event that is cut by the end may be said to end after it."""
    late = rng.uniform(0, _LATE_SECONDS)
    if part.startswith("synthetic") or one.offset < SECONDS:
        return one
    return replace(one, offset=one.offset + late)
