"""The registry of weights, and what a configuration wants of it."""

from pathlib import Path

import pytest
import yaml

from wavbrivl.config import load_config, parse_config
from wavbrivl.errors import UserError
from wavbrivl.weights.places import record_of
from wavbrivl.weights.registry import Weights, read_weights
from wavbrivl.weights.wanted import (
    checkpoint_place,
    entries,
    hub_name,
    lacking,
    model_place,
    name_of,
)

ROOT = Path(__file__).resolve().parents[2]
ENTRY = {"title": "t", "licence": "l", "size": "s", "limit": 1, "repo": "a/b", "revision": "0" * 40}


def teacher(**keys):
    return parse_config({"teacher": {"kind": "huggingface", **keys}}).teacher


def test_every_entry_is_pinned_and_prefers_safetensors():
    registry = read_weights()
    assert {"wavlm-base", "wavlm-base-plus", "wavlm-large", "chinese-roberta-wwm-ext"} <= set(registry)
    assert {"clip-vit-base-patch32", "chinese-clip-vit-base-patch16", "siglip-base", "siglip2-base"} <= set(
        registry
    )
    for entry in registry.values():
        pickles = [name.endswith((".bin", ".pt", ".pth")) for name in entry.weights]
        assert pickles == sorted(pickles)  # safetensors first
        assert not any(name.endswith((".bin", ".py")) for name in entry.files + entry.optional)
        assert entry.licence and entry.size


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"revision": None}, "commit"),
        ({"revision": "main"}, "revision"),
        ({"repo": None}, "repository or addresses"),
        ({}, "files or weights"),
        ({"files": ["x"], "colour": 1}, "colour"),
        ({"repo": "../x", "files": ["x"]}, "repo"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, change, words):
    path = tmp_path / "registry.yaml"
    path.write_text(yaml.safe_dump({"thing": ENTRY | change}))
    with pytest.raises(UserError, match=rf"key 'thing.*{words}"):
        read_weights(path)


def test_the_papers_configuration_names_what_the_registry_has():
    paper = load_config(ROOT / "config/config.yaml", ROOT / "config/paper.yaml")
    assert lacking(paper) is None
    assert name_of(paper.audio_encoder.wavlm.pretrained) in entries(paper)
    assert name_of(paper.teacher.vocabulary) == "chinese-roberta-wwm-ext"


def test_names_of_paths():
    assert name_of("data/weights/x/vocab.txt") == name_of("data/weights/x") == "x"
    assert name_of("data/weights") is name_of("mine/vocab.txt") is name_of(None) is None
    assert record_of("x") == "data/weights/x/weights.json"


def test_a_misspelt_name_is_one_sentence():
    config = parse_config({"audio_encoder": {"wavlm": {"pretrained": "data/weights/wavlm-bas"}}})
    assert "has no 'wavlm-bas'" in lacking(config)


def test_a_registered_hub_id_needs_no_revision():
    config = teacher(model="openai/clip-vit-base-patch32")
    assert hub_name(config) == "clip-vit-base-patch32"
    assert model_place(config) == "data/weights/clip-vit-base-patch32"
    other = teacher(model="openai/clip-vit-base-patch32", revision="ab" * 20)
    assert hub_name(other) == "openai--clip-vit-base-patch32@abababab"


def test_any_other_hub_id_needs_a_commit():
    with pytest.raises(UserError, match=r"there is no folder lab/clip.*teacher\.revision"):
        hub_name(teacher(model="lab/clip"))
    config = parse_config({"teacher": {"kind": "huggingface", "model": "lab/clip", "revision": "cd" * 20}})
    entry = entries(config)["lab--clip@cdcdcdcd"]
    assert (entry.repo, entry.revision) == ("lab/clip", "cd" * 20)
    assert entry.weights[0] == "model.safetensors"


def test_a_folder_is_a_folder(tmp_path, monkeypatch):
    (tmp_path / "lab" / "clip").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert hub_name(teacher(model=str(tmp_path / "lab" / "clip"))) is None
    assert model_place(teacher(model="data/weights/siglip-base")) == "data/weights/siglip-base"


def test_a_checkpoint_by_address_is_fetched_with_its_checksum():
    address = "https://example.org/files/brivl.pth?download=1"
    with pytest.raises(UserError, match="checkpoint_sha256"):
        parse_config({"teacher": {"checkpoint": address}})
    config = parse_config({"teacher": {"checkpoint": address, "checkpoint_sha256": "ab" * 32}})
    assert checkpoint_place(config.teacher) == "data/weights/brivl-checkpoint/brivl.pth"
    (file,) = entries(config)["brivl-checkpoint"].addresses
    assert file.checksum == ("sha256", "ab" * 32)
    assert checkpoint_place(parse_config({"teacher": {"checkpoint": "x.pth"}}).teacher) == "x.pth"


def test_the_registry_type_refuses_a_bare_address():
    file = {"name": "x", "address": "https://example.org/x", "limit": 1}
    with pytest.raises(ValueError, match="no checksum and no note"):
        Weights.model_validate({"title": "t", "licence": "l", "size": "s", "limit": 1, "addresses": [file]})
