"""Grid search in the workflow: a job a point, the best one is the run's encoder."""

import csv

import pytest

pytestmark = pytest.mark.workflow

GRID = "search={grid: {training.learning_rate: [0.000001, 0.003], audio_encoder.loudness: [true]}}"


def test_each_point_is_a_job_and_the_best_is_used(copied):
    assert "train_point" not in copied.planned()
    planned = copied.planned("--config", GRID)
    assert planned["train_point"] == 2 and planned["choose_point"] == 1
    assert {"train_audio_encoder", "describe_model", "evaluate_retrieval"} <= planned.keys()
    assert not planned.keys() & {"train_teacher", "embed_images"}

    done = copied.run("train", "--config", GRID)
    assert done.returncode == 0, done.stderr[-4000:]
    search = copied.path / "results/test/search"
    with (search / "points.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["remark"] for row in rows] == ["chosen", ""]
    best = search / f"learning_rate~{rows[0]['training.learning_rate']}_loudness~true"
    for name in ("best.safetensors", "metrics.jsonl", "config.json"):
        assert (copied.path / "results/test/training" / name).read_bytes() == (best / name).read_bytes()
    assert (search / "points.png").is_file() and (search / "points.md").is_file()
    assert copied.json("results/test/model/config.json")["loudness"]
    card = (copied.path / "results/test/model/README.md").read_text(encoding="utf-8")
    assert "(`audio_encoder.loudness`)" in card and "hardly hears loudness" not in card
    assert not copied.planned("train", "--config", GRID)


def test_a_grid_of_backbones_fetches_these_and_not_the_base_one(checkout):
    base = "audio_encoder={wavlm: {pretrained: data/weights/wavlm-large}}"
    grid = "search={grid: {audio_encoder.wavlm.pretrained: [data/weights/wavlm-base-plus]}}"
    done = checkout.run("--dry-run", "train", "--config", base, grid)
    assert done.returncode == 0, done.stderr[-4000:]
    said = done.stdout + done.stderr
    assert "data/weights/wavlm-base-plus/weights.json" in said and "wavlm-large/weights.json" not in said

    grid = "search={grid: {audio_encoder.wavlm.pretrained: [another/folder]}}"
    done = checkout.run("--dry-run", "train", "--config", base, grid)
    assert "audio_encoder.wavlm.pretrained: there is no folder another/folder" in done.stdout + done.stderr


def test_gpus_that_do_not_share_the_batch_are_refused_before_any_job(checkout):
    done = checkout.run("--set-resources", "train_audio_encoder:gpu=3")
    output = done.stdout + done.stderr
    assert done.returncode and "training.batch_size 8 is not divided by 3 GPUs" in output
    assert "Traceback" not in output and not (checkout.path / "results").exists()
