"""What the training from scratch learns and is tested on: folds of a benchmark, or splits of the corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.audio_files import RATE
from wavbrivl.evaluate.benchmark import Benchmark, Clip, readable, refuse_emptied
from wavbrivl.evaluate.corpus_classes import corpus_labels, labelled_clips
from wavbrivl.evaluate.result import Exclusion, Part, part_of
from wavbrivl.evaluate.supervised import HeldSounds, Sounds
from wavbrivl.shards.reader import MediaShards


@dataclass(frozen=True)
class Parts:
    """Training and test sounds of one training.

    Attributes:
        train: training sounds; `targets` [n] their class indices; `classes` how many there are.
        test: test sounds; `tested` their names, [m].
        exclusions: test sounds that could not be read.
        learnt: what there was to train on, by name.
    """

    train: Sounds
    targets: np.ndarray
    classes: int
    test: Sounds
    tested: list[str]
    exclusions: tuple[Exclusion, ...] = ()
    learnt: Mapping[str, Part] = field(default_factory=dict)


def fold_parts(benchmark: Benchmark, fold: int) -> Parts:
    """One fold to test, all others to train.

    Raises:
        UserError: where no sound of a fold can be read.
    """
    place = {label: i for i, label in enumerate(benchmark.labels)}
    rest = tuple(clip for clip in benchmark.clips if clip.fold != fold)
    own = tuple(clip for clip in benchmark.clips if clip.fold == fold)
    train, learnt, left_out = _held(benchmark, rest)
    test, tested, exclusions = _held(benchmark, own)
    targets = np.array([place[clip.label] for clip in learnt], dtype=np.int64)
    trained_on = {f"all folds but {fold}": part_of(len(rest), left_out)}
    names = [clip.name for clip in tested]
    return Parts(train, targets, len(place), test, names, tuple(exclusions), trained_on)


def corpus_parts(media: Path, shards: Mapping[str, Sequence[str]], tables: Sequence[Path]) -> Parts:
    """The test split to test, train and validation to train.

    Args:
        media: folder of the media shards; `shards` their names by split.
        tables: clips of train, validation and test (`results/<run>/embeddings/<split>.csv`).

    Raises:
        UserError: the tables are of other clips than the shards.
    """
    by_split = {table.stem: labelled_clips(table) for table in tables}
    labels = corpus_labels(tables)
    place = {label: i for i, label in enumerate(labels)}
    known = [*by_split["train"], *by_split["validation"]]
    names = [*shards["train"], *shards["validation"]]
    train = MediaShards([media / f"{name}.tar" for name in names])
    test = MediaShards([media / f"{name}.tar" for name in shards["test"]])
    for sounds, clips in ((train, known), (test, by_split["test"])):
        if [clip.clip_id for clip in sounds.clips] != [clip.name for clip in clips]:
            raise UserError(f"{tables[0].parent}: its clips are not those of the shards, in their order")
    targets = np.array([place[clip.label] for clip in known], dtype=np.int64)
    return Parts(train, targets, len(labels), test, [clip.name for clip in by_split["test"]])


def _held(benchmark: Benchmark, clips: tuple[Clip, ...]) -> tuple[HeldSounds, list[Clip], list[Exclusion]]:
    part = Benchmark(benchmark.dataset, benchmark.folder, benchmark.labels, clips)
    held, kept, exclusions = HeldSounds(), [], []
    for block in readable(part, kept, exclusions, "supervised", RATE):
        for sound in block:
            held.add(sound)
    refuse_emptied(part, kept, exclusions)
    return held, kept, exclusions
