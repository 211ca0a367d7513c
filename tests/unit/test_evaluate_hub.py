"""Audio models of the hub: fetched as all weights are, and there once they lie at the configured commit."""

import json

import pytest

from wavbrivl.config import parse_config
from wavbrivl.errors import UserError
from wavbrivl.evaluate.kinds import absent_weights, weight_files
from wavbrivl.weights.wanted import entries

REVISION = "a" * 40


def configured(name="clap", revision=REVISION):
    model = {"kind": "huggingface", "id": "some/model", "revision": revision}
    return parse_config({"evaluate": {"encoders": ["wavbrivl", name], "models": {name: model}}})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A fetched model, in the folder where the workflow is."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/weights/clap"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "weights.json").write_text(json.dumps({"repo": "some/model", "commit": REVISION}))
    return folder


def test_they_are_weights_to_fetch():
    entry = entries(configured())["clap"]
    assert (entry.repo, entry.revision) == ("some/model", REVISION)
    assert entry.weights[0] == "model.safetensors" and "*.py" not in str(entry)


def test_a_name_that_the_registry_has_is_refused():
    with pytest.raises(UserError, match=r"evaluate\.models\.wav2clip: the registry of weights has this name"):
        entries(configured("wav2clip"))


def test_before_it_was_fetched_its_row_says_so(tmp_path, monkeypatch):
    """What needs no network goes on without it."""
    monkeypatch.chdir(tmp_path)
    said = absent_weights(["wavbrivl", "clap"], configured().evaluate.models)["clap"]
    assert said.startswith("not measured: no weights at data/weights/clap (")
    assert "snakemake --cores 1 fetch_audio_models fetches some/model" in said


def test_it_is_there_at_the_configured_commit(folder):
    models = configured().evaluate.models
    assert absent_weights(["clap"], models) == {}
    assert weight_files("clap", models) == ["data/weights/clap/weights.json"]
    other = configured(revision="b" * 40).evaluate.models
    assert "holds some/model at aaaaaaaa (snakemake" in absent_weights(["clap"], other)["clap"]
    (folder / "weights.json").write_text("[")
    assert "weights.json that cannot be read" in absent_weights(["clap"], models)["clap"]


def test_a_folder_that_somebody_put_there_is_taken_as_it_is(folder):
    (folder / "weights.json").unlink()
    models = configured().evaluate.models
    assert absent_weights(["clap"], models) == {}
    assert weight_files("clap", models) == ["data/weights/clap/config.json"]
