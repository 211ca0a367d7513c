"""Grid search in the workflow: a job a point, the best one is the run's encoder."""

import csv

import pytest

pytestmark = pytest.mark.workflow

GRID = "search={grid: {training.learning_rate: [0.000001, 0.003]}}"


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
    best = search / f"learning_rate~{rows[0]['training.learning_rate']}"
    for name in ("best.safetensors", "metrics.jsonl", "config.json"):
        assert (copied.path / "results/test/training" / name).read_bytes() == (best / name).read_bytes()
    assert (search / "points.png").is_file() and (search / "points.md").is_file()
    assert not copied.planned("train", "--config", GRID)


def test_gpus_that_do_not_share_the_batch_are_refused_before_any_job(checkout):
    done = checkout.run("--set-resources", "train_audio_encoder:gpu=3")
    output = done.stdout + done.stderr
    assert done.returncode and "training.batch_size 8 is not divided by 3 GPUs" in output
    assert "Traceback" not in output and not (checkout.path / "results").exists()
