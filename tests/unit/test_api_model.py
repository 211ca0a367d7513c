"""The model as other programs use it: what goes in, what comes out, what is refused."""

import shutil
from fnmatch import fnmatch

import huggingface_hub
import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tests.teacher_samples import TINY, scene
from tests.tiny_model import tone, write_images, write_run, write_sounds

from wavbrivl import SearchIndex, UserError, WavBriVL, similarity
from wavbrivl.audio.embedding import embed_waveforms
from wavbrivl.audio.files import read_audio
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.files import read_json, write_json


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_run(folder)
    write_sounds(folder / "sounds")
    write_images(folder / "images")
    return folder


@pytest.fixture(scope="module")
def model(run):
    return WavBriVL.from_pretrained(run / "model", device="cpu")


@pytest.fixture
def copy(run, tmp_path):
    """A copy of the run to break."""
    return shutil.copytree(run, tmp_path / "copy")


def test_files_are_what_the_encoder_makes_of_their_samples(run, model):
    paths = sorted((run / "sounds").iterdir())
    result = model.embed_audio([str(paths[0]), *paths[1:]])
    expected = embed_waveforms(model.encoder, [read_audio(path) for path in paths])
    np.testing.assert_allclose(result.embedding, expected.embedding, atol=1e-5)
    np.testing.assert_allclose(result.projection, expected.projection, atol=1e-5)
    assert result.embedding.shape == (3, model.embedding_dim) and model.embedding_dim == 12
    assert result.projection.shape == (3, model.teacher_dim) and model.teacher_dim == TINY.embedding_dim


def test_waveforms_of_every_kind_are_the_same_sound(model):
    sound = tone(0.8, 16_000, channels=2)
    reference = model.embed_audio(sound[:, 0], 16_000).embedding
    exact = {
        "float64": sound[:, 0],
        "float32": sound[:, 0].astype(np.float32),
        "channels": sound.T,
        "torch": torch.from_numpy(sound.T),
        "gradient": torch.from_numpy(sound[:, 0].copy()).requires_grad_(),
        "list": sound[:, 0].tolist(),
    }
    for name, given in exact.items():
        np.testing.assert_allclose(
            model.embed_audio(given, 16_000).embedding, reference, atol=1e-5, err_msg=name
        )
    coarse = {
        "int16": np.rint(sound[:, 0] * 32768).astype(np.int16),
        "int32": np.rint(sound[:, 0] * 2**31).astype(np.int32),
        "uint8": np.rint(sound[:, 0] * 128 + 128).astype(np.uint8),
        "torch int16": torch.from_numpy(np.rint(sound.T * 32768).astype(np.int16)),
        "bfloat16": torch.from_numpy(sound[:, 0].copy()).bfloat16(),
    }
    for name, given in coarse.items():
        np.testing.assert_allclose(
            model.embed_audio(given, 16_000).embedding, reference, atol=0.05, err_msg=name
        )


def test_a_waveform_of_another_rate_is_what_its_file_would_be(model, tmp_path):
    sound = tone(0.7, 44_100).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", sound, 44_100, subtype="FLOAT")
    np.testing.assert_allclose(
        model.embed_audio(sound[:, 0], 44_100).embedding,
        model.embed_audio(tmp_path / "a.wav").embedding,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("sound", "rate", "said"),
    [
        (np.zeros(1600), None, "needs sampling_rate"),
        (np.zeros(1600), 0, "0 Hz is not that of a sound"),
        (np.zeros((1600, 2)), 16_000, "looks turned"),
        (np.zeros((1, 2, 3)), 16_000, r"not \[1, 2, 3\]"),
        (np.zeros(0), 16_000, "no samples"),
        (np.array([0.0, np.nan] * 400), 16_000, "not numbers"),
        (np.array(["a", "b"]), 16_000, "not values of type"),
        (np.zeros(1), 192_000, "less than one sample"),
        ("absent.wav", None, "there is no such sound file"),
    ],
)
def test_what_is_no_sound_is_refused_in_one_sentence(model, sound, rate, said):
    with pytest.raises(UserError, match=said) as caught:
        model.embed_audio([sound], rate)
    assert "\n" not in str(caught.value)


def test_failures_can_be_collected(run, model, tmp_path):
    good, failed = sorted((run / "sounds").iterdir()), []
    (tmp_path / "text.wav").write_text("no sound")
    result = model.embed_audio(
        [good[0], tmp_path / "text.wav", good[1]], failed=lambda number, error: failed.append(number)
    )
    assert failed == [1]
    np.testing.assert_allclose(result.embedding, model.embed_audio(good[:2]).embedding, atol=1e-5)
    images = model.embed_images(
        [tmp_path / "absent.png", scene(0)[0]], failed=lambda n, error: failed.append(n)
    )
    assert failed == [1, 0] and images.shape == (1, 16)


def test_images_of_every_kind_are_the_same_image(model, tmp_path):
    pixels = scene(1)[0]
    reference = model.teacher.embed_images([pixels])
    Image.fromarray(pixels).save(tmp_path / "a.png")
    turned = Image.fromarray(np.rot90(pixels, 1))
    turned.save(tmp_path / "b.png", exif=_orientation(6))
    Image.fromarray(pixels).convert("RGBA").save(tmp_path / "c.png")
    given = [pixels, Image.fromarray(pixels), tmp_path / "a.png", str(tmp_path / "b.png"), tmp_path / "c.png"]
    for image in given:
        np.testing.assert_allclose(model.embed_images(image), reference, atol=1e-5)
    np.testing.assert_allclose(
        model.embed_images(given, batch_size=2), np.repeat(reference, 5, axis=0), atol=1e-5
    )
    assert model.embed_images([]).shape == (0, 16)


def _orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def test_grey_images_of_8_and_16_bits_agree(model, tmp_path):
    grey = scene(2)[0][:, :, 0]
    Image.fromarray(grey).save(tmp_path / "eight.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    eight, sixteen = model.embed_images([tmp_path / "eight.png", tmp_path / "sixteen.png"])
    np.testing.assert_allclose(eight, sixteen, atol=1e-5)


def test_what_is_no_image_is_refused_in_one_sentence(model, tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    Image.fromarray(scene(0)[0]).save(tmp_path / "whole.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:900])
    bad = [tmp_path / "text.jpg", tmp_path / "half.jpg", tmp_path / "absent.jpg", tmp_path]
    for image in [*bad, np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))]:
        with pytest.raises(UserError, match="image") as caught:
            model.embed_images([image])
        assert "\n" not in str(caught.value)


def test_classification_is_the_nearest_mean_of_prompts(run, model):
    labels, path = {"ball": "皮球", "box": "箱子"}, run / "sounds" / "tone0.wav"
    (found,) = model.classify(path, labels)
    sound = model.embed_audio(path).projection[0].astype(np.float64)
    for label, words in labels.items():
        texts = model.embed_texts([t.replace("{}", words) for t in EvaluateConfig().prompts["zh"]])
        mean = texts.astype(np.float64).mean(axis=0)
        assert found[label] == pytest.approx(sound @ mean / np.linalg.norm(mean), abs=1e-5)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    (one,) = model.classify(path, ["皮球", "箱子"], ["{}"])
    assert one["皮球"] == pytest.approx(float(sound @ model.embed_texts("皮球")[0]), abs=1e-5)


@pytest.mark.parametrize(
    ("labels", "templates", "said"),
    [
        ([], None, "no labels"),
        (["皮球", "皮球"], None, "given twice"),
        ({"ball": " "}, None, "has no words"),
        (["皮球"], ["a photo"], "once, for the label"),
        (["皮球"], ["{} {}"], "once, for the label"),
    ],
)
def test_labels_and_templates_that_cannot_be_asked(model, labels, templates, said):
    with pytest.raises(UserError, match=said):
        model.label_vectors(labels, templates)


def test_english_labels_before_a_chinese_teacher_are_warned_of(model, caplog):
    model.label_vectors(["dog", "皮球"])
    assert "1 labels have no Chinese words, first 'dog'" in caplog.text
    with pytest.raises(UserError, match="text 1 is empty"):
        model.embed_texts(["皮球", ""])


def test_similarity_is_the_cosine():
    random = np.random.default_rng(0)
    left, right = random.normal(size=(3, 5)), random.normal(size=(2, 5))
    expected = [[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in right] for a in left]
    np.testing.assert_allclose(similarity(left, right), expected, atol=1e-6)
    with pytest.raises(ValueError, match="not of one space"):
        similarity(left, right[:, :4])


def test_images_are_found_by_sound_and_sounds_by_text(run, model, tmp_path):
    images, sounds = sorted((run / "images").iterdir()), sorted((run / "sounds").iterdir())
    index = SearchIndex.build(model.embed_images(images), [path.name for path in images])
    index.save(tmp_path / "images")
    embedded = model.embed_audio(sounds)
    found = SearchIndex.load(tmp_path / "images").search(embedded, 2)
    for scores, hits in zip(similarity(embedded, model.embed_images(images)), found, strict=True):
        best = np.argsort(-scores)[:2]
        assert [hit.id for hit in hits] == [images[i].name for i in best]
        assert [hit.score for hit in hits] == pytest.approx(scores[best], abs=1e-5)
    (found,) = SearchIndex.build(embedded, [path.name for path in sounds]).search(
        model.embed_texts("皮球"), 1
    )
    assert found[0].id == sounds[similarity(model.embed_texts("皮球"), embedded)[0].argmax()].name


def test_the_teacher_is_in_the_folder_or_beside_it_or_named(copy, tmp_path):
    shutil.copytree(copy / "teacher", copy / "model" / "teacher")
    shutil.rmtree(copy / "teacher")
    assert WavBriVL.from_pretrained(copy / "model").teacher.dim == 16
    (copy / "model" / "teacher").rename(tmp_path / "elsewhere")
    alone = WavBriVL.from_pretrained(copy / "model")
    assert alone.embed_audio(tone(0.3, 16_000).T, 16_000).embedding.shape == (1, 12)
    with pytest.raises(UserError, match="neither images nor texts"):
        alone.embed_texts("皮球")
    named = WavBriVL.from_pretrained(copy / "model", teacher=tmp_path / "elsewhere")
    assert named.embed_texts("皮球").shape == (1, 16)


def test_another_teacher_is_refused(copy, tmp_path):
    write_run(tmp_path / "other", seed=5)
    model = WavBriVL.from_pretrained(copy / "model", teacher=tmp_path / "other" / "teacher")
    with pytest.raises(UserError, match="another teacher"):
        model.embed_texts("皮球")


def _without_weights(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _lacking(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["heads.mlp.0.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _misshapen(folder):
    weights = load_file(folder / "model.safetensors")
    weights["heads.mlp.0.weight"] = torch.zeros(3, 3)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _too_much(folder):
    weights = load_file(folder / "model.safetensors") | {"heads.extra": torch.zeros(1)}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _cut_off(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _another_kind(folder):
    write_json(folder / "config.json", read_json(folder / "config.json") | {"model_type": "wavlm"})


def _no_json(folder):
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_without_weights, "no weights as safetensors"),
        (_lacking, r"1 missing \(first: heads\.mlp\.0\.weight\)"),
        (_misshapen, "weights"),
        (_too_much, r"1 unknown \(first: heads\.extra\)"),
        (_cut_off, "cannot be loaded"),
        (_another_kind, "'wavlm', not 'wavbrivl'"),
        (_no_json, "cannot be read as JSON"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(copy, damage, said):
    damage(copy / "model")
    with pytest.raises(UserError, match=said) as caught:
        WavBriVL.from_pretrained(copy / "model")
    assert "\n" not in str(caught.value)


def test_only_a_hub_id_reaches_for_the_hub(run, tmp_path, monkeypatch):
    asked = []

    def snapshot(name, **options):
        asked.append((name, options))
        return str(run / "model")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    (tmp_path / "results").mkdir()
    for missing in ("results/model", "./model", "a/b/c", "/nowhere/model", "model"):
        with pytest.raises(UserError, match="there is no such folder"):
            WavBriVL.from_pretrained(missing)
    WavBriVL.from_pretrained(run / "model")
    assert not asked
    WavBriVL.from_pretrained("somebody/wavbrivl", revision="abc", local_files_only=True)
    ((name, options),) = asked
    assert (name, options["revision"], options["local_files_only"]) == ("somebody/wavbrivl", "abc", True)
    assert "*.safetensors" in options["allow_patterns"]
    for name in ("vocab.txt", "huggingface/vocab.txt", "teacher/huggingface/vocab.txt", "teacher/vocab.txt"):
        assert any(fnmatch(name, pattern) for pattern in options["allow_patterns"]), name
    assert not any(
        pattern.endswith((".bin", ".pt", ".py", ".pkl", "*")) for pattern in options["allow_patterns"]
    )


def test_a_teacher_of_the_hub_comes_from_the_cache_too(run, monkeypatch):
    asked = []

    def snapshot(name, **options):
        asked.append((name, options["local_files_only"]))
        return str(run / "teacher")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    model = WavBriVL.from_pretrained(run / "model", teacher="somebody/teacher", local_files_only=True)
    assert model.teacher.dim == 16 and asked == [("somebody/teacher", True)]


def test_a_hub_id_comes_from_the_cache_or_is_one_sentence(run, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="neither a folder here nor given by the hub") as caught:
        WavBriVL.from_pretrained("somebody/wavbrivl", local_files_only=True)
    assert "\n" not in str(caught.value)
    repository, commit = tmp_path / "models--somebody--wavbrivl", "a" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    shutil.copytree(run / "model", repository / "snapshots" / commit)
    shutil.copytree(run / "teacher", repository / "snapshots" / commit / "teacher")
    model = WavBriVL.from_pretrained("somebody/wavbrivl", local_files_only=True)
    assert model.embed_texts("皮球").shape == (1, 16)


def test_a_device_that_is_not_there_is_one_sentence(run):
    with pytest.raises(UserError, match="device 'nonsense' cannot be used"):
        WavBriVL.from_pretrained(run / "model", device="nonsense")
