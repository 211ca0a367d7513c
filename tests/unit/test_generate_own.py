"""Generators of somebody's own: found by name, trained with a record, refused where they are not whole."""

import sys
from pathlib import Path

import pytest
import torch
from tests.generate_samples import make_frames, make_teacher

from wavbrivl.config.generation import GenerateConfig, OwnGeneratorConfig
from wavbrivl.errors import UserError
from wavbrivl.files import read_json
from wavbrivl.generate.guide import Guide
from wavbrivl.generate.own import load_own, train_own

GREY = """
import numpy as np
from wavbrivl.generate.drawings import Drawings, drawn_rows

class Grey:
    name, side = "grey", 8

    @classmethod
    def train(cls, frames, folder, settings, seed, device):
        (folder / "grey.txt").write_text(str(settings["value"]))

    @classmethod
    def load(cls, folder, settings, guide, mappings, device):
        one = cls()
        one.value = int((folder / "grey.txt").read_text())
        return one

    def draw(self, conditions, seed):
        images = np.full((len(conditions), 8, 8, 3), self.value, np.uint8)
        return Drawings(images, drawn_rows(conditions, seed, None)), {"seed": seed, "items": []}

class Silent:
    train = load = classmethod(lambda cls, *_: cls())
"""
CPU = torch.device("cpu")


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "grey_generator.py").write_text(GREY, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield OwnGeneratorConfig(kind="grey_generator:Grey", settings={"value": 9})
    sys.modules.pop("grey_generator", None)


def load(config: OwnGeneratorConfig, folder: Path):
    return load_own("grey", config, folder, Guide(make_teacher()), {}, CPU)


def test_it_is_trained_with_a_record_and_loaded(own, tmp_path):
    frames = make_frames(tmp_path, make_teacher())
    (tmp_path / "model").mkdir()
    (tmp_path / "model/of_an_earlier_training").touch()
    train_own("grey", own, frames, tmp_path / "model", 7, CPU)
    record = read_json(tmp_path / "model/trained.json")
    assert record["clips"] == frames.clip_ids and record["settings"] == {"value": 9}
    assert list(record["files"]) == ["grey.txt"]
    assert load(own, tmp_path / "model").value == 9

    (tmp_path / "model/grey.txt").write_text("10", encoding="utf-8")
    with pytest.raises(UserError, match="not those that training wrote"):
        load(own, tmp_path / "model")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("grey_generator:Green", "generate.own.grey.kind: .* has no class 'Green'"),
        ("no_such_module:Grey", "generate.own.grey.kind: the module 'no_such_module' cannot be imported"),
        ("grey_generator:Silent", "generate.own.grey.kind: .* is no generator: it has no draw"),
    ],
)
def test_a_class_that_is_no_generator_is_refused_by_its_key(own, tmp_path, kind, words):
    frames = make_frames(tmp_path, make_teacher())
    with pytest.raises(UserError, match=words):
        train_own("grey", own.model_copy(update={"kind": kind}), frames, tmp_path / "model", 7, CPU)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"dalle": {"kind": "a:B"}}, "the name 'dalle' is taken"),
        ({"with_bar": {"kind": "a:B"}}, "should match pattern"),
        ({"mine": {"kind": "B"}}, "the kind must be module:Class"),
    ],
)
def test_names_and_kinds_that_cannot_be_are_refused(own, words):
    with pytest.raises(ValueError, match=words):
        GenerateConfig(own=own)
