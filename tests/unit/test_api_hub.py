"""A model and its teacher from the hub: what is taken, at which revision, and whether that is enough."""

import shutil

import huggingface_hub
import numpy as np
import pytest
import transformers
from huggingface_hub.utils import filter_repo_objects
from tests.hub_models import WORDS, write_model
from tests.train_corpus import tiny_audio

from wavbrivl import WavBriVL
from wavbrivl.audio.build import build_model
from wavbrivl.config.models import TeacherConfig
from wavbrivl.files import write_json
from wavbrivl.teacher.digest import weights_digest
from wavbrivl.teacher.huggingface import adopt_model
from wavbrivl.teacher.model import load_teacher

TOKENIZERS = {"chinese_clip": {"vocab.txt"}, "clip": {"vocab.json", "merges.txt"}}
"""The files of a tokenizer from before there was tokenizer.json."""


@pytest.fixture(scope="module", params=TOKENIZERS)
def published(request, tmp_path_factory):
    """A teacher, an encoder trained with it, and both in one folder, as on a hub; what the teacher reads."""
    root, kind = tmp_path_factory.mktemp("hub"), request.param
    source = write_model(root / "source", kind)
    if kind == "clip":
        write_json(source / "vocab.json", transformers.AutoTokenizer.from_pretrained(source).get_vocab())
        (source / "merges.txt").write_text("#version: 0.2\n")
    (source / "tokenizer.json").unlink()
    teacher = root / "lab" / "teacher"
    language = "zh" if kind == "chinese_clip" else "en"
    adopt_model(source, TeacherConfig(kind="huggingface", model="x", language=language), teacher)
    tokenizer = {path.name for path in (teacher / "huggingface").iterdir()}
    assert TOKENIZERS[kind] == {name for name in tokenizer if name.startswith(("vocab", "merges"))}
    model = build_model(tiny_audio(window_seconds=0.5), 12)
    model.config.teacher = {"weights_sha256": weights_digest(teacher)}
    for name in ("model", "both"):
        model.save_pretrained(root / "lab" / name)
        (root / "lab" / name / "danger.py").write_text("raise SystemExit")
    shutil.copytree(teacher, root / "lab" / "both" / "teacher")
    return root, WORDS[kind]


@pytest.fixture
def asked(published, tmp_path, monkeypatch):
    """Downloads copy what the hub would give; what was asked for is kept."""
    root, calls = published[0], []

    def snapshot(name, *, revision, local_files_only, allow_patterns):
        calls.append((name, revision, local_files_only))
        files = [str(path.relative_to(root / name)) for path in (root / name).rglob("*") if path.is_file()]
        for path in filter_repo_objects(files, allow_patterns=allow_patterns):
            (tmp_path / "cache" / name / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name / path, tmp_path / "cache" / name / path)
        return str(tmp_path / "cache" / name)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    return calls


@pytest.mark.parametrize("name", ["lab/both", "lab/model"])
def test_what_is_taken_of_a_hub_is_enough_for_texts_and_images(published, asked, tmp_path, name):
    root, words = published
    model = WavBriVL.from_pretrained(name, teacher=None if name == "lab/both" else "lab/teacher")
    expected = load_teacher(root / "lab" / "teacher")
    np.testing.assert_allclose(model.embed_texts(words), expected.embed_texts(words), atol=1e-6)
    picture = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    np.testing.assert_allclose(model.embed_images(picture), expected.embed_images([picture]), atol=1e-6)
    assert not list((tmp_path / "cache").rglob("*.py"))


def test_the_teacher_has_a_revision_of_its_own_and_stays_offline_with_the_model(asked):
    model = WavBriVL.from_pretrained(
        "lab/model", "lab/teacher", revision="abc", local_files_only=True, teacher_revision="def"
    )
    assert asked == [("lab/model", "abc", True)]  # the teacher is read when it is first used
    assert model.teacher.dim == 12
    assert asked[1:] == [("lab/teacher", "def", True)]
