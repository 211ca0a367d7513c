"""Benchmarks with official folds, on sounds that are made here and on the publishers' own tables."""

import csv
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wavbrivl.config.evaluation import EvaluateConfig, ProbeConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate import esc50, urbansound8k
from wavbrivl.evaluate.benchmark import embed_benchmark, with_matrix
from wavbrivl.evaluate.datasets import LAYOUTS
from wavbrivl.evaluate.encoders import Embedded, EncoderSettings, load_encoder
from wavbrivl.evaluate.items import read_items
from wavbrivl.evaluate.label_texts import embed_labels, read_labels, write_labels
from wavbrivl.evaluate.matrix import Matrix, read_matrix, write_matrix
from wavbrivl.evaluate.outcomes import of_benchmark, write_outcomes
from wavbrivl.evaluate.result import Exclusion, part_of, read_result

REAL = Path(os.environ.get("WAVBRIVL_REAL_DATA", Path(__file__).parents[3] / "shared/data/real"))
PITCH = {"dog": (0, 300), "sea_waves": (7, 900), "siren": (41, 2500)}
CONFIG = EvaluateConfig(
    probe=ProbeConfig(hidden=32, epochs=12, learning_rates=[1e-2]), bootstrap=200, seeds=2
)
WORDS = "label,zh\ndog,狗叫\nsea waves,海浪\nsiren,警笛\n"


class Teacher:
    """Knows three words and answers with one direction each."""

    language = "zh"
    words = ("狗叫", "海浪", "警笛")

    def embed_texts(self, texts):
        return np.stack([np.eye(3)[[word in text for word in self.words].index(True)] for text in texts])


class Knowing:
    """An encoder that hears the pitch and points at the right word."""

    name = "wavbrivl"
    dim, rate = 3, 8000

    def embed(self, waveforms, batch_size, rate=16_000):
        loudest = [np.abs(np.fft.rfft(w)).argmax() / len(w) * rate for w in waveforms]
        place = [int(np.abs(np.array([300, 900, 2500]) - pitch).argmin()) for pitch in loudest]
        points = np.eye(3, dtype=np.float32)[place]
        return Embedded(points, points)


class Constant(Knowing):
    """An encoder that hears nothing."""

    def embed(self, waveforms, batch_size, rate=16_000):
        points = np.ones((len(waveforms), 3), dtype=np.float32)
        return Embedded(points, points)


def esc50_row(fold, label, target, take):
    source = f"{fold}{target}{take}"
    name = f"{fold}-{source}-A-{target}.wav"
    return f"audio/{name}", [name, fold, target, label, "False", source, "A"]


def urbansound8k_row(fold, label, target, take):
    source = f"{fold}{target}{take}"
    name = f"{source}-{target}-0-{take}.wav"
    return f"audio/fold{fold}/{name}", [name, source, "0.5", "1", 1, fold, target, label]


MAKE = {"esc50": (esc50, esc50_row), "urbansound8k": (urbansound8k, urbansound8k_row)}


def write_benchmark(folder, task, per_fold=2):
    """Three classes in the task's layout, targets that are not contiguous."""
    module, row_of = MAKE[task]
    rows, paths = [], []
    for fold in module.FOLDS:
        for label, (target, pitch) in PITCH.items():
            for take in range(per_fold):
                place, row = row_of(fold, label, target, take)
                path = folder / place
                path.parent.mkdir(parents=True, exist_ok=True)
                time = np.arange(8000) / 16_000
                soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch * time), 16_000)
                rows.append(row)
                paths.append(path)
    write_table(folder, module, rows)
    return rows, paths


def write_table(folder, module, rows):
    (folder / module.TABLE).parent.mkdir(parents=True, exist_ok=True)
    with (folder / module.TABLE).open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([module.HEADER, *rows])


@pytest.fixture(params=MAKE)
def made(tmp_path, request):
    rows, paths = write_benchmark(tmp_path, request.param)
    return request.param, tmp_path, rows, paths


@pytest.fixture
def labels(tmp_path):
    (tmp_path / "words.csv").write_text(WORDS, encoding="utf-8")
    return embed_labels(tuple(PITCH), Teacher(), CONFIG.prompts["zh"], tmp_path / "words.csv")


def measured(task, folder, encoder, labels, supervised=()):
    benchmark = LAYOUTS[task].read(folder, "toy")
    return of_benchmark(
        benchmark, task, [embed_benchmark(benchmark, encoder, 8)], labels, supervised, CONFIG, 1
    )


def log_mel():
    return load_encoder("logmel", EncoderSettings(device="cpu", seed=1))


def test_every_fold_is_tested_and_zero_shot_asks_in_words(made, labels):
    task, folder, rows, _ = made
    folds = LAYOUTS[task].folds
    outcomes = measured(task, folder, Knowing(), labels)
    assert [result.task for result, _ in outcomes] == [task, f"{task}_zeroshot"]
    for result, items in outcomes:
        accuracy = result.metrics["accuracy"]
        assert (accuracy.value, accuracy.ci95, accuracy.chance) == (1.0, (1.0, 1.0), pytest.approx(1 / 3))
        assert (result.n, result.coverage.expected, result.classes) == (len(rows), len(rows), 3)
        assert (result.folds["accuracy"].fold, result.folds["accuracy"].n) == (list(folds), [6] * len(folds))
        assert list(items.predicted) == list(items.label)
    assert outcomes[0][0].seeds["accuracy"].seed == [1, 2]
    prompts = outcomes[1][0].prompts
    assert prompts.labels == dict(zip(PITCH, Teacher.words, strict=True))
    assert prompts.templates == CONFIG.prompts["zh"]


def test_a_constant_encoder_scores_chance(made, labels):
    task, folder, _, _ = made
    (multi, _), (zero, _) = measured(task, folder, Constant(), labels)
    assert multi.metrics["accuracy"].value == pytest.approx(1 / 3)
    for name in ("accuracy", "accuracy_macro"):
        assert zero.metrics[name].value == pytest.approx(zero.metrics[name].chance, abs=1e-12)


def test_baselines_have_no_zero_shot_result(made, labels):
    task, folder, _, _ = made
    outcomes = measured(task, folder, log_mel(), labels)
    assert [(result.task, result.encoder) for result, _ in outcomes] == [(task, "logmel")]
    assert outcomes[0][0].metrics["accuracy"].value == 1.0


def test_the_training_from_scratch_counts_the_folds_that_it_was_tested_on(made, labels):
    task, folder, _, _ = made
    benchmark = LAYOUTS[task].read(folder, "toy")
    own = [clip for clip in benchmark.clips if clip.fold == 1]
    logits = np.eye(3, dtype=np.float32)[[list(PITCH).index(clip.label) for clip in own]]
    logits[0] = [0, 0, 9] if own[0].label != "siren" else [9, 0, 0]
    learnt = {"all folds but 1": part_of(9, [Exclusion(item="x.wav", cause="absent")])}
    write_matrix(folder / "s.npz", Matrix("supervised", [clip.name for clip in own], logits, parts=learnt))
    scratch = read_matrix(folder / "s.npz")
    *_, (result, items) = measured(task, folder, Knowing(), labels, [scratch])
    assert (result.encoder, result.n, result.coverage.expected) == ("supervised", 6, 6)
    assert result.split == f"fold 1 of {len(LAYOUTS[task].folds)}"
    assert result.metrics["accuracy"].value == pytest.approx(5 / 6)
    assert set(items.fold) == {1}
    assert result.parts == learnt


def test_sounds_that_cannot_be_read_are_counted_and_listed(made, labels):
    task, folder, rows, paths = made
    paths[0].unlink()
    paths[1].write_bytes(b"not a wav file")
    soundfile.write(paths[2], np.zeros(0), 16_000)
    (result, _), *_ = measured(task, folder, log_mel(), labels)
    assert (result.n, result.coverage.expected) == (len(rows) - 3, len(rows))
    assert result.coverage.missing == {"absent": 1, "unreadable": 2}
    assert [e.item for e in result.exclusions] == [row[0] for row in rows[:3]]


def test_a_fold_without_any_sound_is_refused(made):
    task, folder, _, paths = made
    for path, clip in zip(paths, LAYOUTS[task].read(folder, "toy").clips, strict=True):
        if clip.fold == 3:
            path.unlink()
    with pytest.raises(UserError, match="fold 3"):
        embed_benchmark(LAYOUTS[task].read(folder, "toy"), log_mel(), 8)


def test_embeddings_of_another_table_are_refused(made):
    task, folder, _, _ = made
    benchmark = LAYOUTS[task].read(folder, "toy")
    with pytest.raises(UserError, match="embeddings of 'x' are of other sounds"):
        with_matrix(benchmark, Matrix("x", ["a.wav"], np.zeros((1, 2))))


def test_label_texts_and_outcomes_are_written_and_read(made, labels, tmp_path):
    task, folder, _, _ = made
    write_labels(tmp_path / "labels.npz", labels)
    read = read_labels(tmp_path / "labels.npz")
    assert (read.labels, read.prompts) == (labels.labels, labels.prompts)
    assert np.array_equal(read.vectors, labels.vectors)
    outcomes = measured(task, folder, Knowing(), read)
    write_outcomes(outcomes, tmp_path / "run", tmp_path / "items.csv")
    assert read_result(tmp_path / f"run/metrics/{task}.json") == outcomes[0][0]
    assert set(read_items([tmp_path / "items.csv"])) == {(task, "wavbrivl"), (f"{task}_zeroshot", "wavbrivl")}


def test_a_label_that_nobody_translated_is_named(tmp_path):
    (tmp_path / "words.csv").write_text(WORDS, encoding="utf-8")
    with pytest.raises(UserError, match=r"words\.csv.*'quasar'"):
        embed_labels(("dog", "quasar"), Teacher(), CONFIG.prompts["zh"], tmp_path / "words.csv")


def test_classes_keep_the_order_of_their_targets(made):
    task, folder, _, _ = made
    assert LAYOUTS[task].read(folder, "toy").labels == ("dog", "sea_waves", "siren")


@pytest.mark.skipif(not (REAL / "ESC-10").is_dir(), reason="ESC-10 is not here (WAVBRIVL_REAL_DATA)")
def test_real_clips_give_a_five_fold_accuracy_with_their_n():
    benchmark = esc50.read_esc50(REAL / "ESC-10", "ESC-10")
    matrix = embed_benchmark(benchmark, log_mel(), 8)
    ((result, _),) = of_benchmark(benchmark, "esc50", [matrix], None, [], CONFIG, 1)
    assert (result.n, result.classes, result.folds["accuracy"].n) == (50, 10, [10] * 5)
    assert result.metrics["accuracy"].value > 0.2


@pytest.mark.skipif(not (REAL / "ESC-50").is_dir(), reason="ESC-50's table is not here (WAVBRIVL_REAL_DATA)")
def test_esc50s_published_table_has_the_published_folds():
    whole = esc50.read_esc50(REAL / "ESC-50")
    assert (len(whole.clips), len(whole.labels)) == (2000, 50)
    for fold in range(1, 6):
        inside = [clip.label for clip in whole.clips if clip.fold == fold]
        assert all(inside.count(label) == 8 for label in whole.labels)
    homes = {(clip.group, clip.label, clip.fold) for clip in whole.clips}
    assert len(homes) == len({(clip.group, clip.label) for clip in whole.clips})


@pytest.mark.skipif(not (REAL / "UrbanSound8K").is_dir(), reason="UrbanSound8K's table is not here")
def test_urbansound8ks_published_table_has_the_published_folds_and_classes(tmp_path):
    (tmp_path / "metadata").mkdir()
    (tmp_path / urbansound8k.TABLE).symlink_to(REAL / "UrbanSound8K/UrbanSound8K.csv")
    whole = urbansound8k.read_urbansound8k(tmp_path)
    sizes = Counter(clip.fold for clip in whole.clips)
    assert [sizes[fold] for fold in range(1, 11)] == [873, 888, 925, 990, 936, 823, 838, 806, 816, 837]
    counts = Counter(clip.label for clip in whole.clips)
    sizes = [1000, 429, 1000, 1000, 1000, 1000, 374, 1000, 929, 1000]
    assert [counts[label] for label in whole.labels] == sizes
    assert whole.labels[1] == "car_horn"
    assert whole.clips[0].path == tmp_path / "audio/fold5/100032-3-0-0.wav"
    homes = {(clip.group, clip.label, clip.fold) for clip in whole.clips}
    assert len(homes) == len({(clip.group, clip.label) for clip in whole.clips})
