"""The configuration: generated files, refusals in one sentence, overlays."""

from pathlib import Path

import pytest
import yaml

from wavbrivl.config import Config, load_config, overlay, parse_config
from wavbrivl.config.document import default_yaml, documents
from wavbrivl.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


def test_generated_files_are_up_to_date():
    for path, text in documents(ROOT / "config").items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} differs: run `make config`"


def test_default_yaml_says_what_the_models_say():
    assert parse_config(yaml.safe_load(default_yaml())) == Config()


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "config").glob("*.yaml")))
def test_every_shipped_configuration_is_valid_over_the_default(name):
    load_config(ROOT / "config/config.yaml", ROOT / "config" / name)


def test_paper_configuration_differs_in_values_only():
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    paper = yaml.safe_load((ROOT / "config/paper.yaml").read_text(encoding="utf-8"))
    assert _keys(paper) <= _keys(default)


def test_paper_values_stand_in_its_configuration():
    paper = load_config(ROOT / "config/config.yaml", ROOT / "config/paper.yaml")
    assert paper.training.queue_size == 9600
    assert paper.training.momentum == 0.99
    assert paper.training.temperature == 0.07
    assert paper.training.topk == 1
    assert paper.teacher.image.grid_size == 4
    assert paper.teacher.embedding_dim == 2048
    assert paper.audio_encoder.embedding_dim == 512
    assert paper.corpus.clip_seconds == 10


def _models(**entry):
    return {"evaluate": {"models": {"x": entry}}}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sede": 1}, ["unknown key 'sede'"]),
        ({"training": {"bach_size": 4}}, ["unknown key 'training.bach_size'"]),
        ({"seed": -1}, ["'seed'", "-1"]),
        ({"corpus": {"validation_fraction": 1.5}}, ["corpus.validation_fraction", "1.5"]),
        ({"training": {"batch_size": 37}}, ["37", "does not divide", "training.queue_size"]),
        (
            {"audio_encoder": {"attention_layers": 1, "attention_heads": 7}},
            ["audio_encoder.attention_heads 7", "hidden_size 96"],
        ),
        ({"corpus": {"format": "vggsound"}}, ["corpus.clip_list"]),
        ({"corpus": {"sources": [{"kind": "folder"}]}}, ["folder", "path"]),
        ({"run": "../x"}, ["'run'"]),
        ({"corpus": {"name": "a/b"}}, ["corpus.name"]),
        ({"evaluate": {"encoders": ["wavbrivl", "clap"]}}, ["evaluate.encoders", "no 'clap'"]),
        ({"evaluate": {"encoders": ["logmel"]}}, ["evaluate.encoders", "wavbrivl"]),
        (_models(kind="warp", path="w"), ["evaluate.models.x.kind", "huggingface"]),
        ({"evaluate": {"models": {"logmel": {"kind": "openl3", "path": "w"}}}}, ["'logmel'"]),
        (_models(kind="huggingface"), ["evaluate.models.x", "path or id"]),
        (_models(kind="huggingface", id="a/b"), ["evaluate.models.x", "revision"]),
    ],
)
def test_wrong_values_are_refused_by_name(values, words):
    with pytest.raises(UserError) as refused:
        parse_config(values, "mine.yaml")
    message = str(refused.value)
    assert message.startswith("mine.yaml: ")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_overlay_merges_nested_keys_and_replaces_lists():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    assert overlay(base, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}, "d": 1}
    assert base["a"]["c"] == [1, 2]


def _keys(values, prefix=""):
    found = set()
    for key, value in values.items():
        found.add(f"{prefix}{key}")
        if isinstance(value, dict):
            found |= _keys(value, f"{prefix}{key}.")
    return found
