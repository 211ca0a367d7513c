"""Training the small teacher: it learns, is a function of its seed, and continues exactly after a kill."""

import json

import numpy as np
import pytest
import torch
from tests.teacher_samples import SHAPES, TINY, caption, make_shards, scene

from wavbrivl import compute
from wavbrivl.config.models import TeacherConfig, TeacherTrainingConfig
from wavbrivl.errors import UserError
from wavbrivl.teacher import training
from wavbrivl.teacher.model import Teacher, load_teacher
from wavbrivl.teacher.pairs import Frames, Texts, caption_of, read_texts
from wavbrivl.teacher.text import Tokenizer


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """On matrices this small, threads only wait for one another."""
    monkeypatch.setattr(compute, "THREADS", 1)


def with_training(**keys) -> TeacherConfig:
    return TINY.model_copy(update={"training": TINY.training.model_copy(update=keys)})


def files(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    shards = make_shards(tmp_path / "media", frames=2)
    for name, seed in (("first", 1), ("second", 1), ("other", 2)):
        training.train_teacher(shards, TINY, tmp_path / name, seed)
    first, second, other = (files(tmp_path / name) for name in ("first", "second", "other"))
    assert set(first) == {"config.json", "model.safetensors", "vocab.txt", "training.jsonl"}
    assert first == second
    assert first["model.safetensors"] != other["model.safetensors"]
    rows = [json.loads(line) for line in first["training.jsonl"].decode().splitlines()]
    assert rows[-1]["step"] == 6 and set(rows[0]) == {"step", "image_to_text", "text_to_image", "rate"}
    assert load_teacher(tmp_path / "first").dim == 16


def test_a_killed_training_continues_to_the_same_weights(tmp_path, monkeypatch):
    shards = make_shards(tmp_path / "media")
    monkeypatch.setattr(training, "LOG_EVERY", 1)
    config = TeacherConfig.model_validate(
        TINY.model_dump() | {"image": TINY.image.model_dump() | {"dropout": 0.1}}
    )
    training.train_teacher(shards, config, tmp_path / "whole", 1)
    take_step, taken = training.Trainer.take_step, []

    def killed_at_five(trainer):
        taken.append(trainer.step)
        if len(taken) == 6:
            raise KeyboardInterrupt
        return take_step(trainer)

    monkeypatch.setattr(training.Trainer, "take_step", killed_at_five)
    with pytest.raises(KeyboardInterrupt):
        training.train_teacher(shards, config, tmp_path / "killed", 1)
    assert (tmp_path / "killed" / "last.pt").exists()
    training.train_teacher(shards, config, tmp_path / "killed", 1)
    assert taken == [0, 1, 2, 3, 4, 5, 4, 5]
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_a_checkpoint_of_another_configuration_is_not_continued(tmp_path):
    texts, frames = _memory(range(12))
    tokenizer = Tokenizer(training.vocabulary_for(TINY, texts), TINY.text.max_length)
    first = training.Trainer(TINY, frames, texts, tokenizer, 1)
    first.take_step()
    training._save(first, [{"step": 1}], tmp_path / "last.pt")
    assert training._resume(training.Trainer(TINY, frames, texts, tokenizer, 2), tmp_path / "last.pt") == []
    same = training.Trainer(TINY, frames, texts, tokenizer, 1)
    assert training._resume(same, tmp_path / "last.pt") == [{"step": 1}] and same.step == 1


def test_every_parameter_that_should_learn_gets_a_gradient():
    texts, frames = _memory(range(12))
    tokenizer = Tokenizer(training.vocabulary_for(TINY, texts), TINY.text.max_length)
    trainer = training.Trainer(with_training(temperature=1.0), frames, texts, tokenizer, 1)
    trainer.take_step()
    trainer.take_step()
    silent = [
        key for key, value in trainer.towers.named_parameters() if value.grad is None or not value.grad.any()
    ]
    # A BERT's pooler is carried for the released keys; keys' biases cancel in every softmax.
    assert [key for key in silent if "pooler" not in key and "key.bias" not in key] == []
    assert all(value.grad is None for value in trainer.keys.parameters())


@pytest.mark.slow
def test_the_teacher_learns_what_captions_say():
    texts, frames = _memory(range(200))
    config = TINY.model_copy(
        update={
            "embedding_dim": 64,
            "image": TINY.image.model_copy(update={"width": 32, "box_grid": 3}),
            "text": TINY.text.model_copy(update={"hidden_size": 32, "intermediate_size": 64}),
            "training": TeacherTrainingConfig(
                steps=120, batch_size=40, queue_size=200, momentum=0.99, jitter=0.25, learning_rate=1e-3,
                label_probability=0.3,
            ),
        }
    )  # fmt: skip
    tokenizer = Tokenizer(training.vocabulary_for(config, texts), config.text.max_length)
    trainer = training.Trainer(config, frames, texts, tokenizer, 1)
    losses = [trainer.take_step()["text_to_image"] for _ in range(config.training.steps)]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[10:20])
    teacher = Teacher(config, trainer.towers, tokenizer, trainer.device)
    held_out, pictures = _memory(range(1000, 1060))
    scores = teacher.embed_images(pictures.images) @ teacher.embed_texts(list(SHAPES.values())).T
    right = np.array(list(SHAPES.values()))[scores.argmax(axis=1)] == np.array(held_out.names)
    assert right.mean() > 0.5  # chance: 1/3


def test_order_visits_every_sample_once_an_epoch():
    drawn = np.concatenate([training.order(3, step, 4, 10) for step in range(5)])
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(10))
    assert not np.array_equal(drawn[:10], drawn[10:])
    assert len(training.order(3, 2, 8, 3)) == 8


def test_learning_rate_rises_once_and_falls_once():
    config = TINY.training.model_copy(update={"steps": 50, "learning_rate": 1.0, "warmup_fraction": 0.2})
    rates = [training.one_cycle(step, config) for step in range(50)]
    assert rates[0] == pytest.approx(0.04) and rates[10] == pytest.approx(1.0) and rates[-1] < 0.01
    assert all(np.diff(rates[:11]) > 0) and all(np.diff(rates[10:]) < 0)


def test_captions_fall_back_to_the_label_and_then_to_an_error():
    meta = {"clip_id": "x_0_1", "label": "church_bell", "label_zh": "钟", "caption_zh": "", "caption_en": ""}
    assert caption_of(meta, "zh") == "钟" and caption_of(meta, "en") == "church bell"
    assert caption_of(meta | {"caption_zh": "一口钟"}, "zh") == "一口钟"
    with pytest.raises(UserError, match="church_bell"):
        caption_of(meta | {"label_zh": ""}, "zh")


def test_a_teacher_sees_train_clips_only(tmp_path):
    shards = make_shards(tmp_path, split="test", count=2)
    with pytest.raises(UserError, match="test000_0_2000"):
        training.train_teacher(shards, TINY, tmp_path / "teacher", 1)
    assert len(read_texts(shards, "zh", "test")) == 2


def test_frames_in_memory_and_read_as_they_go_are_the_same(tmp_path):
    shards = make_shards(tmp_path, count=3, frames=2)
    kept, read = Frames(shards, 32, True, 6), Frames(shards, 32, True, 5)
    assert kept.counts.tolist() == [2, 2, 2]
    np.testing.assert_array_equal(kept.batch([2, 0], [1, 0]), read.batch([2, 0], [1, 0]))
    assert not np.array_equal(kept.batch([2], [1]), kept.batch([2], [0]))


def test_equal_texts_have_equal_numbers_and_label_texts_are_marked():
    texts = Texts(["铃响", "铃", "鸟叫"], ["铃", "铃", "鸟"], ["bell", "bell", "bird"])
    captions, names, labels = texts.numbered()
    assert captions.tolist() == [0, 1, 2] and names.tolist() == [1, 1, 3] and labels.tolist() == [0, 0, 1]
    tags = training._Pairs(texts, Tokenizer(training.vocabulary_for(TINY, texts), 8)).tags
    assert tags[0].tolist() == [[0, 0, 0], [1, 0, 1], [2, 1, 0]]
    assert tags[1].tolist() == [[1, 0, 1], [1, 0, 1], [3, 1, 1]]


class _Memory:
    def __init__(self, images: np.ndarray):
        self.images, self.counts = images, np.ones(len(images), dtype=np.int64)

    def batch(self, clips, frames):
        return self.images[np.asarray(clips)]


def _memory(numbers: range) -> tuple[Texts, _Memory]:
    scenes = [scene(number) for number in numbers]
    captions = [caption(zh, size, tone) for _, _, zh, size, tone in scenes]
    texts = Texts(captions, [s[2] for s in scenes], [s[1] for s in scenes])
    assert set(texts.names) == set(SHAPES.values())
    images = torch.nn.functional.interpolate(
        torch.from_numpy(np.stack([s[0] for s in scenes])).permute(0, 3, 1, 2).float(), 32, mode="area"
    )
    return texts, _Memory(images.round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
