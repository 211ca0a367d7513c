"""The labelled benchmarks with folds, by the name of their task."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.evaluate import esc50, urbansound8k
from wavbrivl.evaluate.benchmark import Benchmark


@dataclass(frozen=True)
class Layout:
    """How a benchmark is read: `read(folder, dataset)`, and the folds that it has."""

    read: Callable[[Path, str], Benchmark]
    folds: tuple[int, ...]


LAYOUTS = {
    "esc50": Layout(esc50.read_esc50, esc50.FOLDS),
    "urbansound8k": Layout(urbansound8k.read_urbansound8k, urbansound8k.FOLDS),
}
