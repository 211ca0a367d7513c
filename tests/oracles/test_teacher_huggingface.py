"""Models of the hub as teachers, against their own get_image_features and get_text_features."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers as hf
from PIL import Image
from tests.hub_models import TYPES, WORDS, write_model
from tests.teacher_samples import scene

from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.errors import UserError
from wavbrivl.teacher.huggingface import MODELS, adopt_model
from wavbrivl.teacher.model import load_teacher


@pytest.fixture(scope="module", params=TYPES)
def made(request, tmp_path_factory):
    """Type, the model's own folder, and the teacher's folder that was made of it."""
    root = tmp_path_factory.mktemp(request.param)
    source = write_model(root / "hub", request.param)
    config = TeacherConfig(kind="huggingface", model=str(source), language=_language(request.param))
    adopt_model(source, config, root / "teacher")
    return request.param, source, root / "teacher"


def _language(model_type: str) -> str:
    return "zh" if model_type == "chinese_clip" else "en"


def _images(count: int = 3) -> np.ndarray:
    return np.stack([scene(number)[0] for number in range(count)])


def _unit(features: torch.Tensor) -> np.ndarray:
    return torch.nn.functional.normalize(features, dim=-1).numpy()


def test_images_are_the_models_own_features(made):
    model_type, source, folder = made
    teacher, model = load_teacher(folder), getattr(hf, MODELS[model_type]).from_pretrained(source).eval()
    processor = hf.AutoImageProcessor.from_pretrained(source)
    images = _images()
    with torch.no_grad():
        inputs = processor(images=[Image.fromarray(image) for image in images], return_tensors="pt")
        expected = _unit(model.get_image_features(**inputs).pooler_output)
    found = teacher.embed_images(images)
    assert found.dtype == np.float32 and found.shape == (3, teacher.dim)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(teacher.embed_images(images, batch_size=1), expected, atol=1e-5)
    wide = [images[0], images[1][:, 40:300]]
    assert teacher.embed_images(wide).shape == (2, teacher.dim)
    assert teacher.embed_images(images[:0]).shape == (0, teacher.dim)


def test_texts_are_the_models_own_features(made):
    model_type, source, folder = made
    teacher, model = load_teacher(folder), getattr(hf, MODELS[model_type]).from_pretrained(source).eval()
    tokenizer, texts = hf.AutoTokenizer.from_pretrained(source), WORDS[model_type]
    # As each model's documentation calls it: SigLIPs padded to one length, the others by their mask.
    padding = "max_length" if model_type.startswith("siglip") else True
    with torch.no_grad():
        tokens = tokenizer(texts, padding=padding, return_tensors="pt")
        expected = _unit(model.get_text_features(**tokens).pooler_output)
    np.testing.assert_allclose(teacher.embed_texts(texts), expected, atol=1e-5)
    np.testing.assert_allclose(teacher.embed_texts(texts, batch_size=1), expected, atol=1e-5)
    long = teacher.embed_texts([texts[0] * 30, texts[0] * 31])
    np.testing.assert_allclose(long[0], long[1], atol=1e-5)  # cut, not refused
    assert np.abs(long[0] - expected[0]).max() > 1e-4


def test_what_follows_from_the_model(made):
    model_type, source, folder = made
    teacher = load_teacher(folder)
    assert teacher.dim == (16 if model_type.startswith("siglip") else 12)
    assert teacher.language == _language(model_type) and teacher.image_size == 32
    described = json.loads((folder / "config.json").read_text())
    assert described["model_type"] == model_type and described["embedding_dim"] == teacher.dim
    assert described["origin"] == {"model": "hub", "licence": "not stated in its folder"}
    assert str(source.parent) not in (folder / "config.json").read_text()
    with pytest.raises(UserError, match="no regions"):
        teacher.embed_images(_images(1), boxes=np.zeros((1, 1, 4)))


def test_pixels_give_a_gradient_and_the_same_place(made):
    _, _, folder = made
    teacher = load_teacher(folder)
    pixels = torch.from_numpy(_images(2)).permute(0, 3, 1, 2).float() / 255
    pixels.requires_grad_(True)
    embedded = teacher.embed_pixels(pixels)
    # Without rounding to whole colours after the resize, so not to the last digit.
    assert (embedded.detach().numpy() * teacher.embed_images(_images(2))).sum(axis=1).min() > 0.999
    embedded[:, 0].sum().backward()
    assert pixels.grad.abs().sum() > 0


def test_looks_are_of_an_image_and_its_generator_alone(made):
    _, _, folder = made
    teacher, images = load_teacher(folder), _images()

    def looks(*seeds):
        return [None if seed is None else torch.Generator().manual_seed(seed) for seed in seeds]

    together = teacher.embed_images(images, looks=looks(5, None, 7))
    np.testing.assert_allclose(teacher.embed_images(images[2:], looks=looks(7))[0], together[2], atol=1e-5)
    plain = teacher.embed_images(images)
    assert (together[1] * plain[1]).sum() > 0.999
    assert np.abs(together[0] - plain[0]).max() > 1e-4


def test_the_fingerprint_tells_weights_and_files_apart(made, tmp_path):
    model_type, source, folder = made
    other = write_model(tmp_path / "other", model_type, seed=1)
    config = TeacherConfig(kind="huggingface", model=str(source), language=_language(model_type))
    adopt_model(other, config, tmp_path / "teacher")
    first, second = load_teacher(folder), load_teacher(tmp_path / "teacher")
    assert first.fingerprint() == load_teacher(folder).fingerprint() != second.fingerprint()


def test_a_pickle_of_plain_tensors_is_converted_to_safetensors(tmp_path):
    source = write_model(tmp_path / "hub", "clip", safetensors=False)
    adopt_model(source, TeacherConfig(kind="huggingface", model=str(source)), tmp_path / "teacher")
    assert not list((tmp_path / "teacher").rglob("*.bin"))
    assert load_teacher(tmp_path / "teacher").dim == 12


class Trap:
    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return (Path.touch, (self.marker,))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: torch.save({"logit_scale": Trap(folder / "marker")}, folder / "pytorch_model.bin"),
         "refused|cannot be read"),
        (lambda folder: (folder / "pytorch_model.bin").unlink(), "cannot be read"),
        (lambda folder: torch.save({"logit_scale": torch.ones(())}, folder / "pytorch_model.bin"), "missing"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'), "'bert'; a teacher"),
        (lambda folder: (folder / "config.json").unlink(), r"config\.json"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "image processor"),
    ],
)  # fmt: skip
def test_a_damaged_or_hostile_folder_is_one_sentence(tmp_path, spoil, message):
    source = write_model(tmp_path / "hub", "clip", safetensors=False)
    spoil(source)
    with pytest.raises(UserError, match=message) as caught:
        adopt_model(source, TeacherConfig(kind="huggingface", model=str(source)), tmp_path / "teacher")
    assert "\n" not in str(caught.value)
    assert not (source / "marker").exists()
    assert not (tmp_path / "teacher" / "config.json").exists()


def test_the_language_follows_from_the_name_unless_it_is_given(caplog, tmp_path):
    config = TeacherConfig(kind="huggingface", model="OFA-Sys/chinese-clip-vit-base-patch16")
    assert config.language == "zh"
    assert TeacherConfig(kind="huggingface", model="google/siglip-base-patch16-224").language == "en"
    assert TeacherConfig(kind="huggingface", model="x/clip", language="zh").language == "zh"
    source = write_model(tmp_path / "hub", "clip")
    with caplog.at_level("WARNING", "wavbrivl"):
        adopt_model(
            source, TeacherConfig(kind="huggingface", model=str(source), language="zh"), tmp_path / "t"
        )
    assert "reads en, and is asked in zh" in caplog.text
