"""A model of the hub as the teacher, fetched, adopted, embedded and trained into by the same rules."""

import numpy as np
import pytest
import yaml

from tests.hub_models import write_model
from tests.weights_hub import COMMIT, Hub, serving

pytestmark = [pytest.mark.workflow, pytest.mark.long]


@pytest.fixture
def hub(tmp_path, monkeypatch):
    folder = write_model(tmp_path / "model", "siglip")
    files = {path.name: path.read_bytes() for path in folder.iterdir()} | {"pytorch_model.bin": b"a pickle"}
    hub = Hub("lab/tiny-siglip", files, large=("model.safetensors",))
    hub.card = {"license": "apache-2.0"}
    with serving(hub) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield hub


def test_a_hub_id_is_all_that_changes(copied, hub):
    """Frames with augmented views too: the training's reader takes any number of rows."""
    overlay = yaml.safe_load((copied.path / "config/test.yaml").read_text(encoding="utf-8"))
    overlay["teacher"] = {"kind": "huggingface", "model": hub.repo, "revision": COMMIT, "views": 1}
    (copied.path / "hub.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    planned = copied.planned("train", "teacher", config="hub.yaml")
    assert {"fetch_weights", "adopt_model", "embed_images", "join_embeddings", "train_audio_encoder"} <= set(
        planned
    )
    assert not set(planned) & {"make_world", "fetch_clips", "extract_media", "train_teacher"}
    done = copied.run("train", "teacher", config="hub.yaml")
    assert done.returncode == 0, done.stderr[-6000:]

    record = copied.json("data/weights/lab--tiny-siglip@c0ffee00/weights.json")
    assert record["commit"] == COMMIT and "pytorch_model.bin" not in str(record["files"])
    teacher = copied.json("results/test/teacher/config.json")
    assert (teacher["model_type"], teacher["language"], teacher["embedding_dim"]) == ("siglip", "en", 16)
    card = (copied.path / "results/test/model/README.md").read_text(encoding="utf-8")
    assert teacher["origin"]["licence"] == "apache-2.0" and "- licence: apache-2.0\n" in card
    assert teacher["origin"]["repo"] == hub.repo and teacher["origin"]["commit"] == COMMIT
    train, test = (
        np.load(copied.path / f"results/test/embeddings/{split}.npy") for split in ("train", "test")
    )
    assert train.shape[1:] == (2, 16) and test.shape[1:] == (1, 16)
    measured = copied.json("results/test/metrics/teacher.json")
    assert (
        measured["prompts"]["language"] == "en"
        and 0 <= measured["metrics"]["zero_shot_accuracy"]["value"] <= 1
    )
    assert copied.json("results/test/model/config.json")["teacher_dim"] == 16
    assert copied.planned("train", "teacher", config="hub.yaml") == {}


def test_an_unpinned_hub_id_is_refused_before_any_job(copied):
    done = copied.run("-n", "--config", "teacher={kind: huggingface, model: lab/tiny}", config="")
    assert done.returncode != 0 and "needs teacher.revision" in done.stdout + done.stderr


def test_a_checkpoint_by_address_and_weights_are_jobs(copied):
    vocabulary = "data/weights/chinese-roberta-wwm-ext/vocab.txt"
    keys = (
        f"checkpoint: 'https://example.org/b.pth', checkpoint_sha256: '{'ab' * 32}', vocabulary: {vocabulary}"
    )
    planned = copied.planned(
        "--config", f"teacher={{{keys}}}", "audio_encoder={wavlm: {pretrained: data/weights/wavlm-base-plus}}"
    )
    assert planned["fetch_weights"] == 3 and planned["convert_checkpoint"] == 1
