"""Models fetched from the hub: only what can be read without running code, whole or not at all."""

import fnmatch

import pytest

from wavbrivl.config.evaluation import ModelConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.hub import fetch_model
from wavbrivl.evaluate.kinds import absent_weights, weights_path

REVISION = "a" * 40


@pytest.fixture
def hub(monkeypatch):
    """A hub that holds these files, and what was asked of it."""
    asked = {}

    def fake(files):
        class Api:
            def list_repo_files(self, name, revision):
                if files is None:
                    raise ConnectionError("no route to host\nmore")
                return files

        def download(name, revision, local_dir, allow_patterns):
            asked.update(name=name, revision=revision)
            local_dir.mkdir(parents=True)
            for file in files:
                if any(fnmatch.fnmatch(file, pattern) for pattern in allow_patterns) and "/" not in file:
                    (local_dir / file).write_text(file)
            (local_dir / ".cache").mkdir()

        monkeypatch.setattr("huggingface_hub.HfApi", Api)
        monkeypatch.setattr("huggingface_hub.snapshot_download", download)
        return asked

    return fake


@pytest.mark.parametrize(
    ("files", "kept"),
    [
        (["config.json", "m.safetensors", "pytorch_model.bin", "run.py"], {"config.json", "m.safetensors"}),
        (["config.json", "pytorch_model.bin", "tf_model.h5"], {"config.json", "pytorch_model.bin"}),
        (
            ["config.json", "a.txt", "a.safetensors", "x/b.safetensors"],
            {"config.json", "a.txt", "a.safetensors"},
        ),
    ],
)
def test_configuration_and_the_safest_weights_are_kept(hub, tmp_path, files, kept):
    asked = hub(files)
    fetch_model("some/model", REVISION, tmp_path / "weights/clap")
    assert asked == {"name": "some/model", "revision": REVISION}
    assert {path.name for path in (tmp_path / "weights/clap").iterdir()} == kept | {"fetched.json"}
    assert [path.name for path in (tmp_path / "weights").iterdir()] == ["clap"]


def test_a_model_of_the_hub_is_there_once_it_was_fetched_at_the_configured_commit(hub, tmp_path, monkeypatch):
    """Before that its row says so, and what needs no network goes on without it."""
    monkeypatch.chdir(tmp_path)
    models = {"clap": ModelConfig(kind="huggingface", id="some/model", revision=REVISION)}
    names = ["wavbrivl", "clap"]
    said = absent_weights(names, models)["clap"]
    assert said.startswith("not measured: no weights at data/weights/clap (")
    assert "snakemake --cores 1 fetch_audio_models fetches some/model" in said

    hub(["config.json", "model.safetensors"])
    fetch_model("some/model", REVISION, weights_path("clap", models["clap"]))
    assert absent_weights(names, models) == {}
    other = {"clap": models["clap"].model_copy(update={"revision": "b" * 40})}
    assert "holds some/model at aaaaaaaa (snakemake" in absent_weights(names, other)["clap"]
    (tmp_path / "data/weights/clap/fetched.json").write_text("[")
    assert "fetched.json that cannot be read" in absent_weights(names, models)["clap"]
    (tmp_path / "data/weights/clap/fetched.json").unlink()
    assert absent_weights(names, models) == {}, "a folder that somebody put there"


@pytest.mark.parametrize(
    ("files", "words"),
    [(None, "cannot be fetched"), (["config.json", "m.h5"], "no model"), (["m.safetensors"], "no model")],
)
def test_what_cannot_be_fetched_is_one_sentence(hub, tmp_path, files, words):
    hub(files)
    with pytest.raises(UserError, match=rf"some/model: .*{words}") as caught:
        fetch_model("some/model", REVISION, tmp_path / "clap")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "clap").exists()
