"""Videos without a list or labels, under a teacher that exists: what can run does, the rest says why not."""

import csv
import shutil

import pytest
import yaml

from tests.corpus_videos import ffmpeg, make_video
from tests.hub_models import write_model

pytestmark = [pytest.mark.workflow, pytest.mark.long]
NO_LABELS = "not measured: the clips of the corpus have no labels"


@pytest.fixture
def own(checkout, tmp_path):
    """A checkout with twenty videos of its own, two of them of no use, and a tiny model as the teacher."""
    videos = checkout.path / "mine"
    (videos / "holiday").mkdir(parents=True)
    whole = make_video(tmp_path / "whole.mp4", seconds=24, fps=5, gop=5, size=(96, 64)).path
    for i in range(18):
        name = f"holiday/video {i}.mp4" if i % 2 else f"clip{i}.mov"
        ffmpeg("-ss", i / 2, "-t", 9, "-i", whole, "-c", "copy", videos / name)
    (videos / "empty.mp4").write_bytes(b"")
    shutil.copy(whole.with_suffix(".wav"), videos / "sound.mp4")
    model = write_model(tmp_path / "model", "siglip")
    overlay = yaml.safe_load((checkout.path / "config/test.yaml").read_text(encoding="utf-8"))
    overlay["corpus"] = {
        "name": "mine",
        "format": "videos",
        "clip_seconds": 3,
        "clips_per_shard": 30,
        "videos": {"hop_seconds": 2, "test_fraction": 0.25},
        "sources": [{"kind": "videos", "path": "mine"}],
    }
    overlay["teacher"] = {"kind": "huggingface", "model": str(model)}
    (checkout.path / "own.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return checkout


def table(own, number):
    """The rows of one of the paper's tables, as measured."""
    with (own.path / f"results/test/tables/table{number}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_own_videos_go_through_every_stage(own):
    done = own.run("publish", config="own.yaml", timeout=1200)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    coverage = own.json("results/test/coverage/coverage.json")
    assert coverage["found"] == 18 * 4 and set(coverage["missing"]) <= {
        "undecodable",
        "no-video",
        "too-short",
    }
    retrieval = own.json("results/test/metrics/vggsound_retrieval.json")
    assert retrieval["n"] >= 2 and retrieval["metrics"]["mrr_audio_to_image"].get("class_only") is None
    assert own.json("results/test/metrics/esc50.json")["n"] == 50
    teacher = own.json("results/test/metrics/teacher.json")
    assert not teacher["metrics"] and "neither a caption nor the label" in teacher["settings"]["reason"]
    assert NO_LABELS in {row["note"] for row in table(own, 2) if "VGG-Sound mAP" in row["column"]}
    assert {row["note"] for row in table(own, 3) if row["task"] and row["network"] == "embedded"} == {
        NO_LABELS
    }
    assert {row["note"] for row in table(own, 4)} == {NO_LABELS}
    drawn = own.json("results/test/generate/diffusion/drawings/test/trace.json")
    assert drawn["drawings"][0]["items"] and (own.path / "results/test/figures/clips.png").is_file()
    assert own.planned("publish", config="own.yaml") == {}
