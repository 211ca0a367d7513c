"""Embedding media shards: order, shape, storage, and what a killed job keeps."""

import csv

import numpy as np
import pytest
import torch
from tests.teacher_samples import TINY, make_shards

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.gallery import load_gallery
from wavbrivl.evaluate.result import Coverage
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.embed import embed_shards, load_embeddings, mean_of_frames
from wavbrivl.teacher.evaluate import teacher_metrics
from wavbrivl.teacher.model import Teacher
from wavbrivl.teacher.text import Tokenizer, build_vocabulary
from wavbrivl.teacher.towers import Towers


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    torch.manual_seed(3)
    vocabulary = build_vocabulary(["一个皮球"])
    towers = Towers(TINY.image, TINY.text, TINY.embedding_dim, len(vocabulary))
    return Teacher(TINY, towers, Tokenizer(vocabulary, TINY.text.max_length), "cpu")


def test_one_matrix_a_split_in_the_shards_order(teacher, tmp_path):
    shards = make_shards(tmp_path / "media", count=5, per_shard=2, frames=2)
    matrix_path, rows_path = tmp_path / "train.npy", tmp_path / "train.csv"
    embed_shards(shards, teacher, matrix_path, rows_path, batch_size=3)
    matrix, rows = load_embeddings(matrix_path, rows_path)
    assert matrix.shape == (5, 2, 16) and matrix.dtype == np.float32 and isinstance(matrix, np.memmap)
    assert [row["clip_id"] for row in rows] == [clip.clip_id for clip in shards.clips]
    assert list(rows[0]) == ["clip_id", "video_id", "label"]
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=2), 1, atol=1e-5)
    expected = teacher.embed_images(shards.image(3, 360, 1)[None])[0]
    np.testing.assert_allclose(matrix[3, 1], expected, atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["media", "train.csv", "train.npy"]


def test_half_precision_and_unequal_numbers_of_frames(teacher, tmp_path):
    one, two = make_shards(tmp_path / "a", count=1), make_shards(tmp_path / "b", count=2, frames=2)
    (tmp_path / "b" / "train-00000.tar").rename(tmp_path / "a" / "train-00001.tar")
    (tmp_path / "b" / "train-00000.index.json").rename(tmp_path / "a" / "train-00001.index.json")
    shards = MediaShards([one.tars[0], tmp_path / "a" / "train-00001.tar"])
    embed_shards(shards, teacher, tmp_path / "x.npy", tmp_path / "x.csv", 4, "float16")
    matrix, _ = load_embeddings(tmp_path / "x.npy", tmp_path / "x.csv")
    assert matrix.dtype == np.float16 and matrix.shape == (3, 2, 16) and len(two) == 2
    np.testing.assert_array_equal(matrix[0, 0], matrix[0, 1])


def test_a_killed_job_goes_on_with_the_next_shard(teacher, tmp_path, monkeypatch):
    shards = make_shards(tmp_path / "media", count=6, per_shard=2)
    embed_shards(shards, teacher, tmp_path / "whole.npy", tmp_path / "whole.csv", 2)
    embed, calls = Teacher.embed_images, []

    def killed_at_the_third(self, images, batch_size):
        calls.append(len(images))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return embed(self, images, batch_size)

    monkeypatch.setattr(Teacher, "embed_images", killed_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        embed_shards(shards, teacher, tmp_path / "x.npy", tmp_path / "x.csv", 2)
    assert not (tmp_path / "x.npy").exists()
    embed_shards(shards, teacher, tmp_path / "x.npy", tmp_path / "x.csv", 2)
    assert len(calls) == 4
    assert (tmp_path / "x.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert (tmp_path / "x.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_parts_of_another_teacher_are_not_used(teacher, tmp_path, monkeypatch):
    shards = make_shards(tmp_path / "media", count=4, per_shard=2)
    torch.manual_seed(8)
    other = Teacher(TINY, Towers(TINY.image, TINY.text, 16, len(teacher.tokenizer)), teacher.tokenizer, "cpu")
    embed = Teacher.embed_images

    def killed_after_the_first(self, images, batch_size):
        if list(tmp_path.glob(".x.parts/*.npy")):
            raise KeyboardInterrupt
        return embed(self, images, batch_size)

    with monkeypatch.context() as patch:
        patch.setattr(Teacher, "embed_images", killed_after_the_first)
        with pytest.raises(KeyboardInterrupt):
            embed_shards(shards, other, tmp_path / "x.npy", tmp_path / "x.csv", 2)
    for name in ("x", "y"):
        embed_shards(shards, teacher, tmp_path / f"{name}.npy", tmp_path / f"{name}.csv", 2)
    assert (tmp_path / "x.npy").read_bytes() == (tmp_path / "y.npy").read_bytes()
    assert not (tmp_path / ".x.parts").exists()


def test_mean_of_frames_is_a_unit_vector():
    matrix = np.array([[[1.0, 0], [0, 1]], [[1, 0], [1, 0]]])
    np.testing.assert_allclose(mean_of_frames(matrix), [[0.5**0.5, 0.5**0.5], [1, 0]], rtol=1e-6)


def test_a_matrix_without_its_rows_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 1, 4), np.float32))
    with (tmp_path / "x.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([["clip_id", "video_id", "label"], ["a", "a", "a"]])
    with pytest.raises(UserError, match=r"x\.npy"):
        load_embeddings(tmp_path / "x.npy", tmp_path / "x.csv")


def test_metrics_of_a_teacher_on_held_out_frames(teacher, tmp_path):
    shards = make_shards(tmp_path / "media", split="test", count=12)
    embed_shards(shards, teacher, tmp_path / "test.npy", tmp_path / "test.csv", 4)
    gallery = load_gallery(shards, tmp_path / "test.npy", tmp_path / "test.csv")
    coverage, config = Coverage(expected=12, found=12), EvaluateConfig(bootstrap=50)
    result = teacher_metrics(teacher, shards, gallery, coverage, config, 1, "embedded")
    assert result.task == "teacher" and result.n == 12
    accuracy = result.metrics["zero_shot_accuracy"]
    assert 0 <= accuracy.value <= 1 and accuracy.chance == pytest.approx(1 / 3)
    assert result.prompts.labels["ball"] == "皮球"
    mrr = next(value for key, value in result.metrics.items() if "text_to_image" in key and "mrr" in key)
    # Four clips of each of three classes: H_4 / 4.
    assert mrr.class_only == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
