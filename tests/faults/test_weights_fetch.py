"""Weights from a hub that fails: resumed, checked against the pinned commit, never half there."""

import hashlib
import json
import os
import sys
import types
from pathlib import Path

import pytest
from tests.weights_hub import COMMIT, Hub, serving

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus import fetch as fetch_module
from wavbrivl.errors import UserError
from wavbrivl.weights.fetch import fetch_weights
from wavbrivl.weights.registry import ON_THE_HUB, Weights
from wavbrivl.workflow.job import job

FETCH = FetchConfig(attempts=2, timeout_seconds=2, videos_per_hour=1)
ENTRY = Weights(
    title="tiny", licence="none", size="tiny", repo="lab/tiny", revision=COMMIT, limit=10**6,
    files=("config.json", "*/config.json"), optional=("vocab.txt", "merges.txt"),
    weights=("model.safetensors", "pytorch_model.bin"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(fetch_module, "FIRST_WAIT", 0.001)


@pytest.fixture
def hub(monkeypatch):
    files = {
        "config.json": b"{}", "unet/config.json": b"{ }", "vocab.txt": b"[PAD]\n", "README.md": b"read me",
        "model.safetensors": bytes(range(256)) * 40, "pytorch_model.bin": b"a pickle",
    }  # fmt: skip
    hub = Hub("lab/tiny", files, large=("model.safetensors",))
    with serving(hub) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield hub


def fetched(tmp_path: Path, entry: Weights = ENTRY) -> Path:
    folder = tmp_path / "weights" / "tiny"
    fetch_weights("tiny", entry, folder, tmp_path / "weights" / ".spool", FETCH)
    return folder


def test_the_wanted_files_come_with_a_record_and_without_pickles(hub, tmp_path):
    folder = fetched(tmp_path)
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert found == {
        "config.json", "unet/config.json", "vocab.txt", "model.safetensors", "weights.json", ".fetched"
    }  # fmt: skip
    record = json.loads((folder / "weights.json").read_text())
    assert (record["repo"], record["commit"]) == ("lab/tiny", COMMIT)
    rows = {row["name"]: row for row in record["files"]}
    content = hub.files["model.safetensors"]
    assert rows["model.safetensors"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert rows["model.safetensors"]["bytes"] == len(content) and rows["config.json"]["checked"]
    assert list((tmp_path / "weights" / ".spool").iterdir()) == []


@pytest.mark.parametrize(
    ("known", "card", "licence"),
    [
        (ON_THE_HUB, {"license": "mit"}, "mit"),
        (ON_THE_HUB, {"license": "other", "license_name": "openrail-m"}, "other, openrail-m"),
        (ON_THE_HUB, None, ON_THE_HUB),
        ("MIT, as the registry has it", {"license": "apache-2.0"}, "MIT, as the registry has it"),
    ],
)
def test_the_record_has_the_registered_licence_or_the_one_that_the_hub_states(
    hub, tmp_path, known, card, licence
):
    hub.card = card
    folder = fetched(tmp_path, ENTRY.model_copy(update={"licence": known}))
    assert json.loads((folder / "weights.json").read_text())["licence"] == licence


def test_a_pickle_comes_where_there_is_nothing_else(hub, tmp_path):
    del hub.files["model.safetensors"]
    assert (fetched(tmp_path) / "pytorch_model.bin").is_file()


def test_a_broken_transfer_is_tried_again_and_then_one_sentence(hub, tmp_path):
    hub.broken["model.safetensors"] = 1
    assert (fetched(tmp_path) / "model.safetensors").read_bytes() == hub.files["model.safetensors"]
    hub.broken["model.safetensors"] = 99
    with pytest.raises(UserError, match=r"model\.safetensors could not be fetched, network: .* closed after"):
        fetched(tmp_path / "again")
    assert not (tmp_path / "again" / "weights" / "tiny").exists()
    hub.broken.clear()
    before = hub.gets[f"/lab/tiny/resolve/{COMMIT}/config.json"]
    fetched(tmp_path / "again")
    assert hub.gets[f"/lab/tiny/resolve/{COMMIT}/config.json"] == before  # what had come is kept


@pytest.mark.parametrize(("name", "kind"), [("model.safetensors", "sha256"), ("vocab.txt", "git_blob")])
def test_another_content_than_the_pinned_one_is_refused(hub, tmp_path, name, kind):
    hub.changed[name] = hub.files[name][:-1] + b"!"
    with pytest.raises(UserError, match=rf"{name} gave a file whose {kind} is not"):
        fetched(tmp_path)
    assert not (tmp_path / "weights" / "tiny").exists()


def test_what_is_missing_is_one_sentence(hub, tmp_path):
    hub.absent.add("vocab.txt")
    with pytest.raises(UserError, match=r"vocab\.txt could not be fetched, not-found"):
        fetched(tmp_path)
    del hub.files["unet/config.json"]
    with pytest.raises(UserError, match=r"lab/tiny has no \*/config\.json at commit c0ffee"):
        fetched(tmp_path)
    hub.files["unet/config.json"] = b"{}"
    del hub.files["model.safetensors"], hub.files["pytorch_model.bin"]
    with pytest.raises(UserError, match=r"has no model\.safetensors or pytorch_model\.bin"):
        fetched(tmp_path)
    with pytest.raises(UserError, match=r"api/models/lab/other/revision/.*forbidden"):
        fetched(tmp_path, ENTRY.model_copy(update={"repo": "lab/other"}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda hub: hub.files.update({"../config.json": b"{}"}), "would leave its folder"),
        (lambda hub: setattr(hub, "commit", "0" * 40), "answers with commit 0000"),
        (lambda hub: setattr(hub, "listing", lambda: b"<html>"), "is not a list of files"),
        (lambda hub: hub.files.update({"model.safetensors": bytes(10**6)}), "more than the limit"),
    ],
)
def test_a_hostile_or_foreign_listing_is_refused(hub, tmp_path, change, message):
    change(hub)
    with pytest.raises(UserError, match=message):
        fetched(tmp_path)
    assert not (tmp_path / "config.json").exists()


def test_a_folder_of_somebody_elses_is_not_touched(hub, tmp_path):
    folder = tmp_path / "weights" / "tiny"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not fetched here"):
        fetched(tmp_path)
    assert (folder / "mine.txt").read_text() == "mine"


def test_files_outside_the_hub_and_digits_in_their_names(hub, tmp_path, monkeypatch):
    content = hub.files["model.safetensors"]
    digits = hashlib.sha256(content).hexdigest()[:8]
    hub.files |= {f"net-{digits}.pth": content, "net-00000000.pth": content}
    address = f"{os.environ['HF_ENDPOINT']}/lab/tiny/resolve/{COMMIT}/"

    def entry(name: str) -> Weights:
        file = {"name": name, "address": address + name, "limit": 10**6, "note": "none published"}
        return Weights.model_validate(
            {"title": "t", "licence": "l", "size": "s", "addresses": [file], "limit": 10**6}
        )

    record = json.loads((fetched(tmp_path, entry(f"net-{digits}.pth")) / "weights.json").read_text())
    assert record["files"][0]["checked"] and record["files"][0]["address"].endswith(f"{digits}.pth")
    with pytest.raises(UserError, match="does not begin with 00000000"):
        fetched(tmp_path / "b", entry("net-00000000.pth"))


def test_no_job_asks_the_hub(hub, tmp_path, monkeypatch):
    """The library is imported already, as in scripts whose imports stand above the job."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    for name, value in (("HF_HUB_OFFLINE", False), ("ENDPOINT", os.environ["HF_ENDPOINT"])):
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    snakemake = types.SimpleNamespace(rule="any", wildcards=[], log=[str(tmp_path / "log")])
    with job(snakemake), pytest.raises((LocalEntryNotFoundError, OfflineModeIsEnabled)):
        hf_hub_download("lab/tiny", "config.json", cache_dir=tmp_path / "cache")
    assert not hub.gets and "huggingface_hub" in sys.modules
