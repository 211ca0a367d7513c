"""Figures: drawn whole, the same bytes for the same content, and honest about what they are given."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from wavbrivl.errors import UserError
from wavbrivl.evaluate.details import write_details
from wavbrivl.evaluate.gallery import Gallery
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.ranking import unit
from wavbrivl.evaluate.result import Coverage, Result, metric, seed_scores
from wavbrivl.publish import figures
from wavbrivl.publish.class_figures import class_means, confusion
from wavbrivl.publish.curves import read_log, smoothed
from wavbrivl.publish.shared_space import spectrogram
from wavbrivl.publish.style import shortened, words

N = 12


class Clips:
    def __init__(self, n=N):
        self.clips = [SimpleNamespace(clip_id=f"v{i}_0_1000") for i in range(n)]

    def audio(self, i, start=0, length=None):
        return np.sin(2 * np.pi * (i + 1) * 200 * np.arange(8000) / 16_000).astype(np.float32)

    def image(self, i, size=360, frame=0):
        return np.full((36, 36, 3), 20 * i, dtype=np.uint8)


@pytest.fixture
def details(tmp_path):
    images = unit(np.random.default_rng(0).normal(size=(N, 8))).astype(np.float32)
    labels = ["two_words" if i % 2 else "铃" for i in range(N)]
    ids = [clip.clip_id for clip in Clips().clips]
    gallery = Gallery(Path("test.csv"), ids, ids, labels, images)
    write_details(tmp_path / "d.npz", gallery, images, seed=1, rows=2)
    return tmp_path / "d.npz"


@pytest.fixture
def items():
    labels = ["a", "a", "a", "b", "b", "b"]
    predicted = ["a", "a", "b", "b", "b", "b"]
    hits = np.array([1.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    names = list("123456")
    return Items(names, names, labels, {"accuracy": hits}, predicted=predicted)


def seeded():
    """Two encoders in one task, one of them with three seeds."""
    results = {}
    for name, values in {"wavbrivl": [0.8, 0.7, 0.9], "supervised": [0.4]}.items():
        seeds = {"accuracy": seed_scores(range(len(values)), values)} if len(values) > 1 else None
        results[name, "esc50"] = Result(
            task="esc50", dataset="d", split="all folds", protocol="p", encoder=name, n=9,
            coverage=Coverage(expected=9, found=9), seed=0, intervals="i", seeds=seeds,
            metrics={"accuracy": metric(values[0], (values[0] - 0.1, values[0] + 0.1), 0.1)},
        )  # fmt: skip
    return results


def coloured(path):
    """Share of pixels that are not white."""
    return (np.asarray(Image.open(path).convert("RGB")) < 250).any(axis=2).mean()


def test_every_figure_is_drawn_and_drawn_again_the_same(tmp_path, details, items):
    log = tmp_path / "metrics.jsonl"
    rows = [
        {
            "step": i,
            "loss": 5 - i / 10,
            "parts": {"audio_to_image": 1, "image_to_audio": 1},
            "learning_rate": 1e-3,
            "gradient_norm": 1,
        }
        for i in range(20)
    ]
    rows.append({"step": 20, "mrr_audio_to_image": 0.3, "mrr_image_to_audio": 0.2})
    log.write_text("\n".join(json.dumps(row) for row in rows))
    draw = {
        "curves": lambda path: figures.loss_curves(path, log),
        "retrieval": lambda path: figures.retrieval_picture(path, details, Clips()),
        "space": lambda path: figures.shared_space_map(path, details, 1),
        "confusion": lambda path: figures.confusion_matrix(path, items, ["a", "b"], "ESC-50"),
        "seeds": lambda path: figures.seed_plot(path, seeded()),
        "bars": lambda path: figures.class_bars(path, {"x": items, "y": items}, "accuracy", "ESC-50", 0.5),
    }
    for name, function in draw.items():
        first, second = tmp_path / f"{name}.png", tmp_path / f"{name}2.png"
        function(first)
        function(second)
        assert coloured(first) > 0.01, name
        assert first.read_bytes() == second.read_bytes(), name


def test_a_clip_that_is_not_in_the_shards_is_named(tmp_path, details):
    with pytest.raises(UserError, match=r"d\.npz: the media shards do not hold the clip 'v"):
        figures.retrieval_picture(tmp_path / "x.png", details, Clips(1))
    assert not (tmp_path / "x.png").exists()


def test_confusion_is_a_share_of_each_true_class(items):
    assert confusion(items, ["a", "b", "c"]) == pytest.approx(
        np.array([[2 / 3, 1 / 3, 0], [0, 1, 0], [0, 0, 0]])
    )
    assert class_means(items, "accuracy") == {"a": pytest.approx(2 / 3), "b": 1.0}


def test_hundreds_of_classes_fit_on_a_page(tmp_path):
    labels = [f"class {i:03d}" for i in range(309)]
    many = Items(labels, labels, labels, {"map": np.linspace(0, 1, 309)}, predicted=labels[::-1])
    figures.confusion_matrix(tmp_path / "confusion.png", many, labels, "VGG-Sound")
    by_encoder = {str(i): many for i in range(13)}
    figures.class_bars(tmp_path / "bars.png", by_encoder, "map", "VGG-Sound")
    for name in ("confusion", "bars"):
        with Image.open(tmp_path / f"{name}.png") as image:
            assert max(image.size) < 3000


def test_a_tone_is_the_brightest_line_of_its_spectrogram():
    sound = np.sin(2 * np.pi * 2000 * np.arange(16_000) / 16_000)
    power = spectrogram(sound)
    assert (power.argmax(axis=0) == 64).all()
    assert power.max() == 0
    assert spectrogram(np.zeros(10)).shape == (257, 1)


@pytest.mark.parametrize("span", [1, 4, 9])
def test_smoothing_is_a_mean_of_what_is_there(span):
    values = np.random.default_rng(0).random(7)
    reach = span // 2
    expected = [values[max(0, i - reach) : i + reach + 1].mean() for i in range(7)]
    assert smoothed(values, span) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "{", '{"loss": 1}', "[1]"])
def test_a_broken_training_log_is_named(tmp_path, text):
    (tmp_path / "metrics.jsonl").write_text(text)
    with pytest.raises(UserError, match=r"metrics\.jsonl"):
        read_log(tmp_path / "metrics.jsonl")


def test_labels_are_drawn_with_glyphs_that_exist():
    assert words("two_words") == "two words"
    assert words("café 铃") == "café ?"
    assert shortened("electric shaver, electric razor shaving", 18) == "electric shaver…"
    assert shortened("dog", 18) == "dog"
