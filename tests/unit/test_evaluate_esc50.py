"""ESC-50's layout and protocol, on sounds that are made here and on the real sample."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wavbrivl.config.evaluation import EvaluateConfig, ProbeConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import embed_benchmark
from wavbrivl.evaluate.encoders import Embedded, EncoderSettings, load_encoder
from wavbrivl.evaluate.esc50 import HEADER, read_esc50, run_esc50

REAL = Path(os.environ.get("WAVBRIVL_REAL_DATA", Path(__file__).parents[3] / "shared/data/real"))
PITCH = {"dog": (0, 300), "sea_waves": (7, 900), "siren": (41, 2500)}
CONFIG = EvaluateConfig(probe=ProbeConfig(hidden=32, epochs=20, learning_rates=[1e-2]), bootstrap=200)


class Teacher:
    """Knows three words and answers with one direction each."""

    language = "zh"
    words = ("狗叫", "海浪", "警笛")

    def embed_texts(self, texts):
        return np.stack([np.eye(3)[[word in text for word in self.words].index(True)] for text in texts])


class Knowing:
    """An encoder that hears the pitch and points at the right word."""

    name = "knowing"
    dim = 3

    def embed(self, waveforms, batch_size):
        loudest = [np.abs(np.fft.rfft(w)).argmax() / len(w) * 16_000 for w in waveforms]
        place = [int(np.abs(np.array([300, 900, 2500]) - pitch).argmin()) for pitch in loudest]
        points = np.eye(3, dtype=np.float32)[place]
        return Embedded(points, points)


class Constant:
    """An encoder that hears nothing."""

    name = "constant"
    dim = 3

    def embed(self, waveforms, batch_size):
        points = np.ones((len(waveforms), 3), dtype=np.float32)
        return Embedded(points, points)


def write_benchmark(folder, per_fold=2):
    """Three classes, five folds, targets that are not contiguous."""
    (folder / "audio").mkdir(parents=True)
    (folder / "meta").mkdir()
    rows = []
    for fold in range(1, 6):
        for label, (target, pitch) in PITCH.items():
            for take in range(per_fold):
                source = f"{fold}{target}{take}"
                name = f"{fold}-{source}-A-{target}.wav"
                time = np.arange(8000) / 16_000
                soundfile.write(folder / "audio" / name, 0.3 * np.sin(2 * np.pi * pitch * time), 16_000)
                rows.append([name, fold, target, label, "False", source, "A"])
    write_table(folder, rows)
    return rows


def write_table(folder, rows, header=HEADER):
    with (folder / "meta" / "esc50.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([header, *rows])


@pytest.fixture
def benchmark(tmp_path):
    return tmp_path, write_benchmark(tmp_path)


def log_mel():
    return load_encoder("logmel", EncoderSettings(device="cpu", seed=1))


def test_five_folds_and_zero_shot(benchmark):
    folder, rows = benchmark
    outcomes = run_esc50(read_esc50(folder), Knowing(), CONFIG, 1, Teacher())
    assert [result.task for result, _ in outcomes] == ["esc50", "esc50_zeroshot"]
    for result, items in outcomes:
        accuracy = result.metrics["accuracy"]
        assert (accuracy.value, accuracy.ci95, accuracy.chance) == (1.0, (1.0, 1.0), pytest.approx(1 / 3))
        assert (result.n, result.coverage.expected, result.classes) == (len(rows), len(rows), 3)
        assert result.folds["accuracy"].n == [6] * 5
        assert list(items.predicted) == [row[3] for row in rows]
    prompts = outcomes[1][0].prompts
    assert prompts.labels == dict(zip(["dog", "sea_waves", "siren"], Teacher.words, strict=True))
    assert prompts.templates == CONFIG.prompts["zh"]


def test_a_constant_encoder_scores_chance(benchmark):
    folder, _ = benchmark
    (multi, _), (zero, _) = run_esc50(read_esc50(folder), Constant(), CONFIG, 1, Teacher())
    assert multi.metrics["accuracy"].value == pytest.approx(1 / 3)
    assert zero.metrics["accuracy"].value == pytest.approx(1 / 3, abs=1e-12)


def test_an_encoder_without_a_projection_has_no_zero_shot_result(benchmark):
    folder, _ = benchmark
    outcomes = run_esc50(read_esc50(folder), log_mel(), CONFIG, 1, Teacher())
    assert [result.task for result, _ in outcomes] == ["esc50"]
    assert outcomes[0][0].metrics["accuracy"].value == 1.0


def test_sounds_that_cannot_be_read_are_counted_and_listed(benchmark):
    folder, rows = benchmark
    (folder / "audio" / rows[0][0]).unlink()
    (folder / "audio" / rows[1][0]).write_bytes(b"not a wav file")
    soundfile.write(folder / "audio" / rows[2][0], np.zeros(0), 16_000)
    result, _ = run_esc50(read_esc50(folder), log_mel(), CONFIG, 1)[0]
    assert (result.n, result.coverage.expected) == (len(rows) - 3, len(rows))
    assert result.coverage.missing == {"absent": 1, "unreadable": 2}
    assert [e.item for e in result.exclusions] == [row[0] for row in rows[:3]]


def test_a_fold_without_any_sound_is_refused(benchmark):
    folder, rows = benchmark
    for row in rows:
        if row[1] == 3:
            (folder / "audio" / row[0]).unlink()
    with pytest.raises(UserError, match="fold 3"):
        embed_benchmark(read_esc50(folder), log_mel(), 8)


def test_classes_keep_the_order_of_their_targets(benchmark):
    assert read_esc50(benchmark[0]).labels == ("dog", "sea_waves", "siren")


@pytest.mark.skipif(not (REAL / "ESC-10").is_dir(), reason="ESC-10 is not here (WAVBRIVL_REAL_DATA)")
def test_real_clips_give_a_five_fold_accuracy_with_their_n():
    (result, _), *_ = run_esc50(read_esc50(REAL / "ESC-10", "ESC-10"), log_mel(), CONFIG, 1)
    assert (result.n, result.classes, result.folds["accuracy"].n) == (50, 10, [10] * 5)
    assert result.metrics["accuracy"].value > 0.2


@pytest.mark.skipif(not (REAL / "ESC-50").is_dir(), reason="ESC-50's table is not here (WAVBRIVL_REAL_DATA)")
def test_the_published_table_has_the_published_folds():
    whole = read_esc50(REAL / "ESC-50")
    assert (len(whole.clips), len(whole.labels)) == (2000, 50)
    for fold in range(1, 6):
        inside = [clip.label for clip in whole.clips if clip.fold == fold]
        assert all(inside.count(label) == 8 for label in whole.labels)
    homes = {(clip.group, clip.label, clip.fold) for clip in whole.clips}
    assert len(homes) == len({(clip.group, clip.label) for clip in whole.clips})
