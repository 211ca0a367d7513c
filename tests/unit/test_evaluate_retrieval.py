"""Retrieval over a small gallery, the table of items, and what the figures are given."""

import dataclasses
import gc
import json
import tracemalloc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.details import chosen_queries, write_details
from wavbrivl.evaluate.encoders import Embedded
from wavbrivl.evaluate.gallery import embed_split, load_gallery, read_clips
from wavbrivl.evaluate.items import compare, read_items, write_items
from wavbrivl.evaluate.matrix import Matrix
from wavbrivl.evaluate.ranking import (
    chance_reciprocal,
    class_only_reciprocal,
    ranks_both_ways,
    ranks_of_pairs,
)
from wavbrivl.evaluate.result import Exclusion, part_of
from wavbrivl.evaluate.retrieval import run_retrieval
from wavbrivl.evaluate.teacher_retrieval import run_teacher_retrieval

CONFIG = EvaluateConfig(bootstrap=300)
N, DIM = 30, 6


class Sounds:
    """Shards whose sound is the clip's number."""

    def __init__(self, n=N):
        self.clips = [SimpleNamespace(clip_id=f"v{i // 2}_{i}_2000") for i in range(n)]

    def audio(self, i, start=0, length=None):
        return np.full(100, i, dtype=np.float32)


class Numbered:
    """An encoder that gives each clip the vector of its number."""

    name = "numbered"

    def __init__(self, vectors, projected):
        self.vectors, self.projected, self.dim = vectors, projected, vectors.shape[1]

    def embed(self, waveforms, batch_size, rate=16_000):
        points = self.vectors[[int(w[0]) for w in waveforms]]
        return Embedded(points, points if self.projected else None)


def sounds_of(encoder):
    """Its embeddings of the gallery, which is train and test in one here."""
    return embed_split(Sounds(), encoder, 8, "toy", projected=True)


@pytest.fixture
def gallery(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(N, 2, DIM)).astype(np.float16)
    np.save(tmp_path / "test.npy", vectors)
    rows = [f"v{i // 2}_{i}_2000,v{i // 2},class {i % 3}" for i in range(N)]
    (tmp_path / "test.csv").write_text("\n".join(["clip_id,video_id,label", *rows]) + "\n")
    return load_gallery(Sounds(), tmp_path / "test.npy", tmp_path / "test.csv")


GONE = part_of(N + 2, [Exclusion(item=name, cause="gone") for name in ("a_0_1", "b_0_1")])
LISTED = {"train": GONE, "test": GONE}


def refuse(*_):
    raise AssertionError("nothing is to be fitted")


def test_frames_are_averaged_to_unit_length(gallery, tmp_path):
    mean = np.load(tmp_path / "test.npy").astype(np.float64).mean(axis=1)
    assert np.linalg.norm(gallery.images, axis=1) == pytest.approx(np.ones(N), abs=1e-6)
    assert gallery.images * np.linalg.norm(mean, axis=1)[:, None] == pytest.approx(mean, abs=1e-5)


def test_a_perfect_encoder_finds_everything(gallery):
    encoder = Numbered(gallery.images, projected=True)
    outcome = run_retrieval(sounds_of(encoder), gallery, refuse, LISTED, CONFIG, 1, refuse, "toy")
    metrics = outcome.result.metrics
    assert {name: metrics[name].value for name in ("mrr_audio_to_image", "median_rank_image_to_audio")} == {
        "mrr_audio_to_image": 1.0,
        "median_rank_image_to_audio": 1.0,
    }
    assert metrics["mrr_audio_to_image"].class_only == pytest.approx(class_only_reciprocal(gallery.labels))
    assert outcome.result.gallery == outcome.result.n == N
    assert outcome.result.coverage.missing == {"gone": 2}
    assert outcome.result.exclusions == GONE.exclusions
    assert outcome.result.parts == {}, "nothing was fitted"
    recalls = {f"recall_at_{k}_{d}" for k in (1, 5, 10) for d in ("audio_to_image", "image_to_audio")}
    assert recalls < set(metrics)


def test_a_constant_encoder_scores_exactly_chance(gallery):
    encoder = Numbered(np.ones((N, DIM), dtype=np.float32), projected=True)
    outcome = run_retrieval(sounds_of(encoder), gallery, refuse, LISTED, CONFIG, 1, refuse, "toy")
    metrics = outcome.result.metrics
    assert metrics["mrr_image_to_audio"].value == pytest.approx(chance_reciprocal(N), abs=1e-11)
    for name, metric in metrics.items():
        assert metric.value == pytest.approx(metric.chance, abs=1e-11), name


def test_a_baseline_is_projected_by_what_was_fitted_on_train(gallery):
    calls = []

    def fit(embedding, train, seed):
        calls.append((embedding.shape, train is gallery, seed))
        turned = np.eye(DIM)[:, ::-1] if seed == 1 else np.eye(DIM)
        return lambda points: points @ turned

    encoder = Numbered(gallery.images[:, ::-1].copy(), projected=False)
    sounds = sounds_of(encoder)
    train = lambda: (sounds, gallery)  # noqa: E731
    outcome = run_retrieval(sounds, gallery, train, LISTED, CONFIG, 1, fit, "toy")
    assert calls == [((N, DIM), True, 1)]
    assert outcome.result.seeds is None
    assert outcome.result.metrics["mrr_audio_to_image"].value == 1.0
    assert "fitted on the train split" in outcome.result.protocol
    assert outcome.result.parts == {"train": GONE}
    several = CONFIG.model_copy(update={"heavy_seeds": 2})
    twice = run_retrieval(sounds, gallery, train, LISTED, several, 1, fit, "toy").result
    assert twice.metrics == outcome.result.metrics
    assert twice.seeds["mrr_audio_to_image"].seed == [1, 2]
    assert twice.seeds["mrr_audio_to_image"].values[0] == 1.0 > twice.seeds["mrr_audio_to_image"].values[1]


def test_items_are_paired_with_each_other(gallery, tmp_path):
    noise = np.random.default_rng(4).normal(size=(N, DIM)).astype(np.float32)
    tables = {}
    for name, vectors in {"good": gallery.images, "bad": noise}.items():
        sounds = sounds_of(Numbered(vectors, True))
        outcome = run_retrieval(sounds, gallery, refuse, LISTED, CONFIG, 1, refuse, "toy")
        tables["vggsound_retrieval", name] = outcome.items
        mean = outcome.items.scores["mrr_audio_to_image"].mean()
        assert mean == pytest.approx(outcome.result.metrics["mrr_audio_to_image"].value)
    write_items(tmp_path / "items.csv", tables)
    read = read_items([tmp_path / "items.csv"])
    assert list(read) == list(tables)
    good, bad = read.values()
    difference = compare(good, bad, "mrr_audio_to_image", 300, 1)
    assert difference.ci95[0] > 0
    assert compare(good, good, "mrr_audio_to_image", 300, 1).ci95 == (0.0, 0.0)


def test_a_table_of_other_clips_is_refused(gallery, tmp_path):
    with pytest.raises(UserError, match=r"test\.csv: its clips are not those"):
        load_gallery(Sounds(N - 1), tmp_path / "test.npy", tmp_path / "test.csv")
    np.save(tmp_path / "test.npy", np.zeros((N - 1, 1, DIM)))
    with pytest.raises(UserError, match=r"test\.npy: shape"):
        load_gallery(Sounds(), tmp_path / "test.npy", tmp_path / "test.csv")


def test_embeddings_of_other_clips_are_refused(gallery):
    other = Matrix("x", gallery.clip_ids[::-1], gallery.images, gallery.images)
    with pytest.raises(UserError, match=r"test\.csv: the sounds of 'x' are of other clips"):
        run_retrieval(other, gallery, refuse, LISTED, CONFIG, 1, refuse, "toy")
    bare = Matrix("x", gallery.clip_ids, gallery.images)
    with pytest.raises(UserError, match=r"test\.csv: the sounds of 'x' are of other clips"):
        run_retrieval(bare, gallery, lambda: (other, gallery), LISTED, CONFIG, 1, refuse, "toy")


def test_a_training_split_keeps_no_projection(gallery):
    encoder = Numbered(gallery.images, projected=True)
    assert embed_split(Sounds(), encoder, 8, "train", projected=False).projection is None
    assert embed_split(Sounds(0), encoder, 8, "validation", projected=False).embedding.shape == (0, DIM)


def test_details_show_different_classes_and_mark_the_own_image(gallery, tmp_path):
    write_details(tmp_path / "a.npz", gallery, gallery.images, seed=3, rows=3, points=10)
    write_details(tmp_path / "b.npz", gallery, gallery.images, seed=3, rows=3, points=10)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        found = json.loads(str(arrays["found"]))
        assert arrays["sounds"].shape == arrays["images"].shape == (10, DIM)
    assert len({query["label"] for query in found["queries"]}) == 3
    for query in found["queries"]:
        assert query["rank"] == 1
        assert [image["own"] for image in query["found"]] == [True] + [False] * 4


def test_the_train_split_is_let_go_of_before_anything_is_ranked(gallery, monkeypatch):
    sounds, living = sounds_of(Numbered(gallery.images, projected=False)), []

    def train():
        known = dataclasses.replace(gallery)
        living.append(weakref.ref(known))
        return sounds, known

    def spy(*arguments):
        gc.collect()
        assert living and living[0]() is None
        return ranks_both_ways(*arguments)

    monkeypatch.setattr("wavbrivl.evaluate.retrieval.ranks_both_ways", spy)
    run_retrieval(sounds, gallery, train, LISTED, CONFIG, 1, lambda *_: lambda points: points, "toy")


def peak(function):
    """Most bytes that numpy and Python held at once while it ran, beyond those before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def budget(n, dim, chunk):
    """What ranking may need: both sides' vectors in float64 and a few chunks of scores."""
    return 3 * n * dim * 8 + 6 * chunk * n * 8


@pytest.mark.parametrize(("n", "dim", "chunk"), [(3000, 128, 64), (2000, 512, 32), (1000, 64, 16)])
def test_ranking_in_chunks_never_holds_all_scores(n, dim, chunk):
    first, second = np.random.default_rng(n).normal(size=(2, n, dim)).astype(np.float32)
    for rank in (ranks_both_ways, ranks_of_pairs):
        assert peak(lambda rank=rank: rank(first, second, chunk)) < budget(n, dim, chunk)
    assert budget(3000, 128, 64) < 0.4 * 3000**2 * 8, "all scores at once would not pass"
    assert budget(15_446, 2048, 512) < 2 * 2**30, "VGG-Sound's test split in 2 GiB"


def test_a_gallery_is_averaged_without_a_second_copy_of_it(tmp_path):
    n, dim = 20_000, 128
    np.save(tmp_path / "v.npy", np.ones((n, 2, dim), dtype=np.float16))
    rows = "".join(f"c{i},v,a\n" for i in range(n))
    (tmp_path / "v.csv").write_text("clip_id,video_id,label\n" + rows)
    table = peak(lambda: read_clips(tmp_path / "v.csv"))
    whole = peak(lambda: load_gallery(None, tmp_path / "v.npy", tmp_path / "v.csv"))
    assert whole - table < 1.7 * n * dim * 4


def test_queries_are_drawn_by_seed_and_label_alone():
    labels = ["a", "b"] * 10
    assert chosen_queries(labels, 2, 1) == chosen_queries(labels, 2, 1)
    assert {labels[i] for i in chosen_queries(labels, 2, 1)} == {"a", "b"}
    assert len(chosen_queries(labels, 6, 1)) == 6


def test_the_teacher_is_measured_with_equal_captions_tied(gallery):
    class Teacher:
        language = "zh"

        def embed_texts(self, texts):
            return np.stack([gallery.images[int(text)] for text in texts])

    captions = [str(i) for i in range(N)]
    result = run_teacher_retrieval(Teacher(), gallery, captions, GONE.coverage, CONFIG, 1, "toy")
    assert result.metrics["mrr_text_to_image"].value == 1.0
    same = run_teacher_retrieval(Teacher(), gallery, ["0"] * N, GONE.coverage, CONFIG, 1, "toy")
    assert same.metrics["mrr_image_to_text"].value == pytest.approx(chance_reciprocal(N), abs=1e-11)
