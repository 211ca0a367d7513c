"""An audio model of the hub: fetched by the rule that fetches all weights, then a row of the tables."""

import pytest
import yaml

from tests.weights_hub import COMMIT, Hub, serving

pytestmark = pytest.mark.workflow


@pytest.fixture
def hub(monkeypatch):
    names = ("config.json", "preprocessor_config.json", "model.safetensors", "pytorch_model.bin", "run.py")
    hub = Hub("lab/tiny-audio", {name: name.encode() for name in names}, large=("model.safetensors",))
    with serving(hub) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield hub


def test_it_is_fetched_on_request_and_then_measured(copied, hub):
    overlay = yaml.safe_load((copied.path / "config/test.yaml").read_text(encoding="utf-8"))
    overlay["evaluate"]["encoders"].append("tiny")
    overlay["evaluate"]["models"] = {"tiny": {"kind": "huggingface", "id": hub.repo, "revision": COMMIT}}
    (copied.path / "audio.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    assert "embed_benchmark" not in copied.planned("evaluate", config="audio.yaml")

    done = copied.run("fetch_audio_models", config="audio.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    folder = copied.path / "data/weights/tiny"
    kept = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert kept == {"config.json", "preprocessor_config.json", "model.safetensors", "weights.json"}
    assert copied.json("data/weights/tiny/weights.json")["commit"] == COMMIT

    planned = copied.planned("evaluate", config="audio.yaml")
    assert planned["embed_benchmark"] == 2 and planned["embed_corpus"] == 1
    assert "fetch_weights" not in planned
