"""Embedding media shards: order, shape, views, boxes, storage, and what a killed job keeps."""

import contextlib
import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.teacher_samples import TINY, make_shards

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.gallery import load_gallery
from wavbrivl.evaluate.result import Coverage
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher import model as model_module
from wavbrivl.teacher.boxes import Boxes
from wavbrivl.teacher.embed import EmbedPlan, embed_clips, embed_part
from wavbrivl.teacher.evaluate import teacher_metrics
from wavbrivl.teacher.join import join_split
from wavbrivl.teacher.model import Teacher
from wavbrivl.teacher.text import SPECIAL, Tokenizer, build_vocabulary
from wavbrivl.teacher.towers import Towers
from wavbrivl.train.data import ImageEmbeddings


def a_teacher(seed: int) -> Teacher:
    torch.manual_seed(seed)
    vocabulary = build_vocabulary(["一个皮球"])
    towers = Towers(TINY.image, TINY.text, TINY.embedding_dim, len(vocabulary))
    return Teacher(TINY, towers, Tokenizer(vocabulary, TINY.text.max_length), "cpu")


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return a_teacher(3)


def embed(
    shards: MediaShards, teacher: Teacher, folder: Path, plan: EmbedPlan, per_part: int = 10
) -> np.ndarray:
    """Parts and their join, as the two rules make them; gives the matrix."""
    groups = [shards.tars[start : start + per_part] for start in range(0, len(shards.tars), per_part)]
    parts = {}
    for number, tars in enumerate(groups):
        out = folder / "parts" / f"{number:04d}.npz"
        embed_part(tars, teacher, plan, out, folder / "parts" / ".spool")
        parts |= {tar.stem: out for tar in tars}
    join_split(shards, parts, folder / "x.npy", folder / "x.csv")
    return np.load(folder / "x.npy", mmap_mode="r")


def test_one_matrix_a_split_in_the_shards_order(teacher, tmp_path):
    shards = make_shards(tmp_path / "media", count=5, per_shard=2, frames=2)
    matrix = embed(shards, teacher, tmp_path, EmbedPlan(frames=2, batch_size=3), per_part=2)
    with (tmp_path / "x.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert matrix.shape == (5, 2, 16) and matrix.dtype == np.float32
    assert [row["clip_id"] for row in rows] == [clip.clip_id for clip in shards.clips]
    assert list(rows[0]) == ["clip_id", "video_id", "label"]
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=2), 1, atol=1e-5)
    expected = teacher.embed_images(shards.image(3, 360, 1)[None])[0]
    np.testing.assert_allclose(matrix[3, 1], expected, atol=1e-5)
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == [".spool", "0000.npz", "0001.npz"]
    assert list((tmp_path / "parts" / ".spool").iterdir()) == []


@pytest.mark.parametrize("plan", [EmbedPlan(frames=2, batch_size=1), EmbedPlan(frames=2, batch_size=64)])
def test_batches_readers_and_parts_change_nothing(teacher, tmp_path, plan):
    shards = make_shards(tmp_path / "media", count=5, per_shard=2, frames=2)
    expected = embed(shards, teacher, tmp_path / "a", EmbedPlan(frames=2, batch_size=4))
    np.testing.assert_allclose(embed(shards, teacher, tmp_path / "b", plan, per_part=1), expected, atol=1e-5)
    np.testing.assert_array_equal(
        embed_clips(shards, teacher, plan, readers=1), embed_clips(shards, teacher, plan, readers=5)
    )


def test_half_precision_and_clips_with_fewer_frames(teacher, tmp_path):
    shards = make_shards(tmp_path, count=3, frames=2)
    matrix = embed(shards, teacher, tmp_path / "x", EmbedPlan(frames=3, dtype="float16"))
    assert matrix.dtype == np.float16 and matrix.shape == (3, 3, 16)
    np.testing.assert_array_equal(matrix[:, 0], matrix[:, 2])
    assert np.abs(matrix[:, 0] - matrix[:, 1]).max() > 1e-4


def test_views_of_the_train_split_are_seeded_and_its_alone(teacher, tmp_path):
    train = make_shards(tmp_path / "train", count=4, per_shard=2, frames=2)
    plan = EmbedPlan(frames=2, views=3, seed=5, batch_size=3)
    matrix = embed(train, teacher, tmp_path / "a", plan)
    assert matrix.shape == (4, 8, 16)
    plain = embed(train, teacher, tmp_path / "b", EmbedPlan(frames=2))
    np.testing.assert_allclose(matrix[:, :2], plain, atol=1e-5)
    rows = matrix.reshape(4 * 8, 16)
    assert len(np.unique(rows.round(4), axis=0)) > 24  # 0.2 of the jittered are gray, so a few may be close
    again = embed(
        train, teacher, tmp_path / "c", EmbedPlan(frames=2, views=3, seed=5, batch_size=64), per_part=1
    )
    np.testing.assert_allclose(again, matrix, atol=1e-5)
    other = embed(train, teacher, tmp_path / "d", EmbedPlan(frames=2, views=3, seed=6))
    assert np.abs(np.asarray(other[:, 2:]) - matrix[:, 2:]).max() > 1e-3
    test = make_shards(tmp_path / "test", split="test", count=2, frames=2)
    assert embed(test, teacher, tmp_path / "e", plan).shape == (2, 2, 16)


def test_the_trainings_reader_takes_any_number_of_rows(teacher, tmp_path):
    shards = make_shards(tmp_path / "media", count=4, frames=2)
    matrix = embed(shards, teacher, tmp_path, EmbedPlan(frames=2, views=1))
    reader = ImageEmbeddings(tmp_path / "x.npy", tmp_path / "x.csv", shards.clips)
    assert (reader.frames, reader.dim) == (4, 16)
    np.testing.assert_allclose(reader.of_frames(np.array([2]), np.array([3]))[0], matrix[2, 3], atol=1e-5)


def test_a_killed_job_goes_on_with_the_next_shard(teacher, tmp_path, monkeypatch):
    shards = make_shards(tmp_path / "media", count=6, per_shard=2)
    embed(shards, teacher, tmp_path / "whole", EmbedPlan(batch_size=2))
    embed_images, calls = Teacher.embed_images, []

    def killed_at_the_third(self, images, *rest):
        calls.append(len(images))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return embed_images(self, images, *rest)

    monkeypatch.setattr(Teacher, "embed_images", killed_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        embed(shards, teacher, tmp_path / "x", EmbedPlan(batch_size=2))
    assert not list((tmp_path / "x" / "parts").glob("*.npz"))
    embed(shards, teacher, tmp_path / "x", EmbedPlan(batch_size=2))
    assert len(calls) == 4
    for name in ("parts/0000.npz", "x.npy", "x.csv"):
        assert (tmp_path / "x" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_another_teacher_left_is_not_used(teacher, tmp_path, monkeypatch):
    shards = make_shards(tmp_path / "media", count=4, per_shard=2)
    embed_images = Teacher.embed_images

    def killed_after_the_first(self, images, *rest):
        if list(tmp_path.glob("x/parts/.spool/*.npy")):
            raise KeyboardInterrupt
        return embed_images(self, images, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Teacher, "embed_images", killed_after_the_first)
        with pytest.raises(KeyboardInterrupt):
            embed(shards, a_teacher(8), tmp_path / "x", EmbedPlan())
    for name in ("x", "y"):
        embed(shards, teacher, tmp_path / name, EmbedPlan())
    assert (tmp_path / "x" / "x.npy").read_bytes() == (tmp_path / "y" / "x.npy").read_bytes()


def test_empty_shards_and_empty_splits_have_no_rows(teacher, tmp_path):
    shards = make_shards(tmp_path / "media", count=2)
    empty = make_shards(tmp_path / "empty", count=1)
    index = tmp_path / "empty" / "train-00000.index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"clips": []}))
    assert embed(MediaShards(empty.tars), teacher, tmp_path / "a", EmbedPlan(frames=2)).shape == (0, 2, 16)
    embed(shards, teacher, tmp_path / "b", EmbedPlan())
    part = {"train-00000": tmp_path / "b" / "parts" / "0000.npz"}
    join_split(MediaShards([]), part, tmp_path / "none.npy", tmp_path / "none.csv")
    assert np.load(tmp_path / "none.npy").shape == (0, 1, 16)


def test_a_part_that_does_not_fit_its_shard_is_one_sentence(teacher, tmp_path):
    shards = make_shards(tmp_path / "media", count=4)
    path = tmp_path / "0000.npz"
    for arrays, message in (
        ({"train-00001": np.zeros((4, 1, 2))}, "does not hold the embeddings of train-00000"),
        ({"train-00000": np.zeros((3, 1, 2))}, "its index names 4 clips"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(UserError, match=message):
            join_split(shards, {"train-00000": path}, tmp_path / "x.npy", tmp_path / "x.csv")
        assert not (tmp_path / "x.npy").exists()
    path.write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"0000\.npz"):
        join_split(shards, {"train-00000": path}, tmp_path / "x.npy", tmp_path / "x.csv")


def boxes_file(folder: Path, shards: MediaShards, boxes: list) -> Path:
    lines = [json.dumps({"clip_id": clip.clip_id, "frame": 0, "boxes": boxes}) for clip in shards.clips]
    folder.mkdir(exist_ok=True)
    (folder / "train-00000.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_a_detectors_boxes_are_scaled_padded_and_end_with_the_whole_image(teacher, tmp_path):
    shards = make_shards(tmp_path / "media", count=2)
    folder = boxes_file(tmp_path / "boxes", shards, [[0, 0, 180, 180], [90, 90, 360, 270]])
    regions = Boxes(folder / "train-00000.jsonl", 360).of(shards.clips[0].clip_id, 0, 32)
    assert regions.shape == (37, 4)
    assert regions[:2].tolist() == [[0, 0, 16, 16], [8, 8, 32, 24]]
    assert not regions[2:36].any() and regions[36].tolist() == [0, 0, 32, 32]
    matrix = embed(shards, teacher, tmp_path, EmbedPlan(boxes=folder))
    image = shards.image(1)[None]
    np.testing.assert_allclose(matrix[1, 0], teacher.embed_images(image, boxes=regions[None])[0], atol=1e-5)
    assert np.abs(matrix[1, 0] - teacher.embed_images(image)[0]).max() > 1e-4


def test_boxes_of_another_kind_are_named(teacher, tmp_path):
    shards = make_shards(tmp_path / "media", count=2)
    for boxes, message in (
        ([[0, 0, 400, 20]], "line 1: left < right"),
        ([[5, 0, 5, 20]], "line 1: left < right"),
        ([[0, 0, 1]], "line 1 is not a frame's boxes"),
    ):
        with pytest.raises(UserError, match=message):
            embed(shards, teacher, tmp_path / "x", EmbedPlan(boxes=boxes_file(tmp_path / "b", shards, boxes)))
    (tmp_path / "b" / "train-00000.jsonl").write_text("")
    with pytest.raises(UserError, match="no line for frame 0 of clip train000"):
        embed(shards, teacher, tmp_path / "x", EmbedPlan(boxes=tmp_path / "b"))
    with pytest.raises(UserError, match="cannot be read"):
        embed(shards, teacher, tmp_path / "x", EmbedPlan(boxes=tmp_path / "none"))


def test_half_precision_arithmetic_keeps_the_direction(teacher, tmp_path, monkeypatch):
    """A GPU is not at hand in tests: the same autocast on a CPU stands for it."""
    shards = make_shards(tmp_path, count=3)
    exact = embed_clips(shards, teacher, EmbedPlan())
    seen = []

    def on_cpu(device, precision):
        seen.append(precision)
        return torch.autocast("cpu", torch.bfloat16)

    assert isinstance(model_module.arithmetic(torch.device("cpu"), "bfloat16"), contextlib.nullcontext)
    assert isinstance(model_module.arithmetic(torch.device("cuda"), "float32"), contextlib.nullcontext)
    monkeypatch.setattr(model_module, "arithmetic", on_cpu)
    rough = embed_clips(
        shards, Teacher(TINY, teacher.towers, teacher.tokenizer, "cpu", "bfloat16"), EmbedPlan()
    )
    assert seen == ["bfloat16"] and rough.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rough, axis=2), 1, atol=1e-5)
    assert (exact * rough).sum(axis=2).min() > 0.99
    assert np.abs(exact - rough).max() > 0


def test_metrics_of_a_teacher_on_held_out_frames(teacher, tmp_path):
    shards = make_shards(tmp_path / "media", split="test", count=12)
    embed(shards, teacher, tmp_path, EmbedPlan())
    gallery = load_gallery(shards, tmp_path / "x.npy", tmp_path / "x.csv")
    coverage, config = Coverage(expected=12, found=12), EvaluateConfig(bootstrap=50)
    result = teacher_metrics(teacher, shards, gallery, coverage, config, 1, "embedded")
    assert result.task == "teacher" and result.n == 12
    accuracy = result.metrics["zero_shot_accuracy"]
    assert 0 <= accuracy.value <= 1 and accuracy.chance == pytest.approx(1 / 3)
    assert result.prompts.labels["ball"] == "皮球"
    mrr = next(value for key, value in result.metrics.items() if "text_to_image" in key and "mrr" in key)
    # Four clips of each of three classes: H_4 / 4.
    assert mrr.class_only == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_a_teacher_without_texts_to_ask_is_said_not_to_be_measured(teacher, tmp_path, monkeypatch):
    shards = make_shards(tmp_path / "media", split="test", count=2)
    embed(shards, teacher, tmp_path, EmbedPlan())
    gallery = load_gallery(shards, tmp_path / "x.npy", tmp_path / "x.csv")
    bare = {"label": "ball", "caption_zh": "", "label_zh": "", "clip_id": "x", "split": "test"}
    monkeypatch.setattr(MediaShards, "meta", lambda self, i: bare)
    coverage = Coverage(expected=2, found=2)
    result = teacher_metrics(teacher, shards, gallery, coverage, EvaluateConfig(), 1, "embedded")
    assert result.metrics == {} and "'ball'" in result.settings["reason"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_on_a_gpu_is_close_to_single(precision):
    torch.manual_seed(0)
    towers = Towers(TINY.image, TINY.text, TINY.embedding_dim, 7)
    tokenizer = Tokenizer([*SPECIAL, "铃", "响"], TINY.text.max_length)
    images = np.random.default_rng(0).integers(0, 256, (5, 40, 40, 3), dtype=np.uint8)
    single = Teacher(TINY, towers, tokenizer, "cuda").embed_images(images)
    half = Teacher(TINY, towers, tokenizer, "cuda", precision).embed_images(images)
    assert half.dtype == np.float32 and not np.array_equal(half, single)
    assert ((half * single).sum(axis=1) > 0.99).all()
