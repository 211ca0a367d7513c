"""Weights that do not fit the configuration are told from their heads, and nothing in them runs."""

import pytest
import torch
from safetensors.torch import save_file
from tests.faults.test_teacher_checkpoint import VOCABULARY, Trap, released_state, write
from tests.hub_models import write_model
from tests.teacher_samples import TINY

from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.errors import UserError
from wavbrivl.files import read_json, write_json
from wavbrivl.teacher.fit import refuse_misfit
from wavbrivl.teacher.kinds import files_of
from wavbrivl.teacher.shapes import pickled_shapes

OTHERS = {
    "teacher.embedding_dim": TINY.model_copy(update={"embedding_dim": 17}),
    "teacher.image.width": TINY.model_copy(update={"image": TINY.image.model_copy(update={"width": 18})}),
    "teacher.text.hidden_size": TINY.model_copy(
        update={"text": TINY.text.model_copy(update={"hidden_size": 18})}
    ),
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    write(folder, TINY, released_state(TINY, len(VOCABULARY), seed=1))
    return folder / "brivl.pth"


def test_the_right_configuration_fits(checkpoint):
    refuse_misfit(TINY, checkpoint, None)


@pytest.mark.parametrize("key", OTHERS)
def test_another_width_is_refused_by_its_key(checkpoint, key):
    with pytest.raises(UserError) as refused:
        refuse_misfit(OTHERS[key], checkpoint, None)
    assert str(refused.value).startswith(f"{key} is 1") and "have 16" in str(refused.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_shapes_are_those_that_torch_reads(tmp_path, zipped):
    state = released_state(TINY, len(VOCABULARY), seed=2)
    state["p"] = torch.nn.Parameter(torch.zeros(2, 3))
    path = tmp_path / "any.pth"
    torch.save({"learnable": state, "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
    assert pickled_shapes(path, "learnable") == {key: tuple(value.shape) for key, value in state.items()}


def test_nothing_runs_and_what_is_no_checkpoint_is_left_to_its_job(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "any.pth"
    torch.save({"learnable": {"a": torch.zeros(2)}, "trap": Trap(marker)}, path)
    assert pickled_shapes(path, "learnable") == {"a": (2,)}
    assert not marker.exists()
    for content in (b"", b"no pickle", path.read_bytes()[:200]):
        path.write_bytes(content)
        assert pickled_shapes(path, "learnable") is None
        refuse_misfit(TINY, path, None)


@pytest.mark.parametrize("model_type", ["clip", "siglip", "siglip2"])
def test_a_hub_s_folder_fits_as_long_as_its_towers_meet(tmp_path, model_type):
    folder = write_model(tmp_path / "model", model_type)
    teacher = TeacherConfig(kind="huggingface", model=str(folder))
    refuse_misfit(teacher, None, folder)
    weights = {
        "clip": ("visual_projection.weight", "text_projection.weight"),
        "siglip": ("vision_model.head.mlp.fc2.weight", "text_model.head.weight"),
    }[model_type.removesuffix("2")]
    save_file({name: torch.zeros(5 + n, 2) for n, name in enumerate(weights)}, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"teacher.model: .* differ \(images 5, texts 6"):
        refuse_misfit(teacher, None, folder)


def test_a_folder_whose_configuration_speaks_of_another_width_or_model(tmp_path):
    folder = write_model(tmp_path / "model", "clip")
    teacher = TeacherConfig(kind="huggingface", model=str(folder))
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", config | {"projection_dim": 13})
    with pytest.raises(UserError, match=r"images 12, texts 12, its config.json's projection_dim 13"):
        refuse_misfit(teacher, None, folder)
    write_json(folder / "config.json", config | {"model_type": "bert"})
    with pytest.raises(UserError, match=r"teacher.model: .* type 'bert'; a teacher is one of clip"):
        refuse_misfit(teacher, None, folder)
    write_json(folder / "config.json", config)
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(UserError, match=r"teacher.model: .*model.safetensors cannot be read as safetensors"):
        refuse_misfit(teacher, None, folder)


@pytest.mark.parametrize("model_type", [["x"], {}, None])
def test_a_type_that_is_no_word_is_one_sentence(tmp_path, model_type):
    write_json(tmp_path / "config.json", {"model_type": model_type})
    with pytest.raises(UserError, match=r"teacher.model: .* a teacher is one of clip"):
        refuse_misfit(TeacherConfig(kind="huggingface", model=str(tmp_path)), None, tmp_path)


def test_a_width_that_is_no_number_is_one_sentence(tmp_path):
    folder = write_model(tmp_path / "model", "clip")
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", config | {"projection_dim": [12]})
    with pytest.raises(UserError, match=r"projection_dim \[12\]"):
        refuse_misfit(TeacherConfig(kind="huggingface", model=str(folder)), None, folder)


def test_single_numbers_in_the_place_of_weights_are_left_to_their_job(tmp_path):
    state = released_state(TINY, len(VOCABULARY), seed=1)
    state["imgencoder.learnable.imgFC.fc2.weight"] = torch.zeros(())
    state["textencoder.learnable.textFC.fc1.weight"] = torch.zeros(5)
    torch.save({"learnable": state}, tmp_path / "brivl.pth")
    refuse_misfit(TINY, tmp_path / "brivl.pth", None)
    folder = write_model(tmp_path / "model", "clip")
    flat = {f"{name}_projection.weight": torch.zeros(()) for name in ("visual", "text")}
    save_file(flat, folder / "model.safetensors")
    refuse_misfit(TeacherConfig(kind="huggingface", model=str(folder)), None, folder)


def test_files_of_a_folder_are_those_that_decide_the_teacher(tmp_path):
    folder = write_model(tmp_path / "model", "clip")
    for name in ("README.md", "model-00001-of-00002.safetensors", "notes.txt", "flax_model.msgpack"):
        (folder / name).write_text("x", encoding="utf-8")
    found = {name.rsplit("/", 1)[-1] for name in files_of(folder)}
    assert {"config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"} <= found
    assert {"README.md", "model-00001-of-00002.safetensors"} <= found
    assert not {"notes.txt", "flax_model.msgpack"} & found
