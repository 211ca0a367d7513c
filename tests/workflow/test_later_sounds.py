"""A sound of somebody's benchmark that comes later, deep in the folder, is embedded at the next call."""

import csv

import numpy as np
import pytest
import soundfile

from wavbrivl.evaluate.matrix import read_matrix
from wavbrivl.evaluate.urbansound8k import FOLDS, HEADER, TABLE

pytestmark = pytest.mark.workflow

TARGET = "results/test/evaluation/embeddings/urbansound8k/logmel.npz"
CONFIG = """
run: test
teacher: {language: en, checkpoint: brivl.pth, vocabulary: vocab.txt}
evaluate: {encoders: [wavbrivl, logmel], urbansound8k: {path: bench}}
"""


def write_benchmark(folder):
    rows = []
    for fold in FOLDS:
        for target, label in enumerate(("dog", "siren")):
            name = f"{fold}{target}-{target}-0-0.wav"
            path = folder / f"audio/fold{fold}/{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, 0.1 * np.random.default_rng(target).normal(size=4000), 16_000)
            rows.append([name, f"{fold}{target}", "0", "1", 1, fold, target, label])
    (folder / TABLE).parent.mkdir(parents=True)
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([HEADER, *rows])


def test_a_sound_that_comes_later_is_noticed(checkout):
    write_benchmark(checkout.path / "bench")
    for name in ("brivl.pth", "vocab.txt"):
        (checkout.path / name).touch()
    (checkout.path / "mine.yaml").write_text(CONFIG, encoding="utf-8")
    late = checkout.path / "bench/audio/fold3/30-0-0-0.wav"
    held = late.rename(checkout.path / "held.wav")
    done = checkout.run(TARGET, config="mine.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    assert [e.item for e in read_matrix(checkout.path / TARGET).exclusions] == [late.name]
    assert checkout.planned(TARGET, config="mine.yaml") == {}

    held.rename(late)
    assert checkout.planned(TARGET, config="mine.yaml") == {"embed_benchmark": 1}
    checkout.run(TARGET, config="mine.yaml")
    assert late.name in read_matrix(checkout.path / TARGET).items
    late.touch()
    assert checkout.planned(TARGET, config="mine.yaml") == {}, "names and sizes count, not times"
