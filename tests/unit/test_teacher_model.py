"""The teacher's folder and embeddings: round trip, unit norm, independence of the batch."""

import numpy as np
import pytest
import torch
from tests.teacher_samples import TINY, scene

from wavbrivl.errors import UserError
from wavbrivl.teacher.model import Teacher, load_teacher, save_teacher
from wavbrivl.teacher.text import Tokenizer, build_vocabulary
from wavbrivl.teacher.towers import Towers

TEXTS = ["一个很大的皮球", "屋顶", "深夜里一个很小的箱子", "unknown words"]


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    torch.manual_seed(3)
    vocabulary = build_vocabulary(TEXTS[:3])
    towers = Towers(TINY.image, TINY.text, TINY.embedding_dim, len(vocabulary))
    return Teacher(TINY, towers, Tokenizer(vocabulary, TINY.text.max_length), "cpu")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.stack([scene(number)[0] for number in range(5)])


def test_embeddings_are_unit_vectors(teacher, images):
    for embedded, count in ((teacher.embed_images(images), 5), (teacher.embed_texts(TEXTS), 4)):
        assert embedded.dtype == np.float32 and embedded.shape == (count, teacher.dim)
        np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-5)
    assert teacher.embed_images(images[:0]).shape == (0, teacher.dim)
    assert (teacher.language, teacher.image_size, teacher.dim) == ("zh", 32, 16)


def test_an_embedding_does_not_depend_on_its_batch(teacher, images):
    together = teacher.embed_images(images, batch_size=5)
    np.testing.assert_allclose(teacher.embed_images(images, batch_size=2), together, atol=1e-5)
    np.testing.assert_allclose(teacher.embed_images(images[::-1], batch_size=3)[::-1], together, atol=1e-5)
    np.testing.assert_allclose(teacher.embed_images(list(images), batch_size=5), together, atol=1e-5)
    texts = teacher.embed_texts(TEXTS)
    np.testing.assert_allclose(teacher.embed_texts(TEXTS, batch_size=1), texts, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-4


def test_images_of_any_shape_become_squares(teacher, images):
    wide = np.repeat(images[0], 2, axis=1)
    mixed = teacher.embed_images([images[0], wide])
    np.testing.assert_allclose(mixed[0], mixed[1], atol=0.02)


@pytest.mark.parametrize("wrong", [np.zeros((2, 8, 8, 3)), np.zeros((2, 8, 8), np.uint8)])
def test_images_of_another_kind_are_refused(teacher, wrong):
    with pytest.raises(ValueError, match="uint8"):
        teacher.embed_images(wrong)


def test_boxes_of_zeros_are_ignored(teacher, images):
    boxes = np.array([[[0, 0, 16, 16], [0, 0, 32, 32]]], dtype=np.float32)
    padded = np.concatenate([boxes, np.zeros((1, 3, 4), np.float32)], axis=1)
    plain = teacher.embed_images(images[:1], boxes=boxes)
    np.testing.assert_allclose(teacher.embed_images(images[:1], boxes=padded), plain, atol=1e-5)
    assert np.abs(teacher.embed_images(images[:1]) - plain).max() > 1e-4


def test_a_saved_teacher_is_the_same_teacher(teacher, images, tmp_path):
    for name in ("first", "second"):
        save_teacher(tmp_path / name, TINY, teacher.towers.state_dict(), teacher.tokenizer.tokens)
    names = ["config.json", "model.safetensors", "vocab.txt"]
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == names
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    loaded = load_teacher(tmp_path / "first")
    np.testing.assert_array_equal(loaded.embed_images(images), teacher.embed_images(images))
    np.testing.assert_array_equal(loaded.embed_texts(TEXTS), teacher.embed_texts(TEXTS))
    assert loaded.fingerprint() == teacher.fingerprint()


def test_fingerprint_tells_weights_apart(teacher, tmp_path):
    weights = {key: value.clone() for key, value in teacher.towers.state_dict().items()}
    weights["imgencoder.learnable.imgFC.fc2.bias"][0] += 1
    save_teacher(tmp_path, TINY, weights, teacher.tokenizer.tokens)
    assert load_teacher(tmp_path).fingerprint() != teacher.fingerprint()


def test_a_damaged_folder_is_one_sentence(teacher, tmp_path):
    state = teacher.towers.state_dict()
    with pytest.raises(UserError, match=r"config\.json"):
        load_teacher(tmp_path)
    save_teacher(tmp_path, TINY, state, teacher.tokenizer.tokens[:-1])
    with pytest.raises(UserError, match=r"1 of another shape.*word_embeddings"):
        load_teacher(tmp_path)
    save_teacher(tmp_path, TINY, dict(list(state.items())[1:]), teacher.tokenizer.tokens)
    with pytest.raises(UserError, match="1 missing"):
        load_teacher(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UserError, match="safetensors"):
        load_teacher(tmp_path)
    (tmp_path / "config.json").write_text('{"format": 1, "kind": "brivl", "colour": 3}')
    with pytest.raises(UserError, match="colour"):
        load_teacher(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        ("a\nb\n", "lacks the token"),
        ("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nx\nx\n", "twice"),
    ],
)
def test_a_wrong_vocabulary_is_one_sentence(tmp_path, content, message):
    from wavbrivl.teacher.text import read_vocabulary

    if content is not None:
        (tmp_path / "vocab.txt").write_text(content)
    with pytest.raises(UserError, match=message):
        read_vocabulary(tmp_path / "vocab.txt")
