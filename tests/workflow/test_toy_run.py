"""The whole DAG at toy size: it ends, a second call does nothing, one edit reruns what depends on it."""

import json
import zipfile

import pytest
import webdataset

pytestmark = pytest.mark.workflow

STAGES = {"corpus", "teacher", "train", "evaluate", "publish", "all"}


def test_every_promised_output_is_there(finished):
    results = finished.path / "results/test"
    tasks = [f"{name}{kind}" for name in ("esc50", "urbansound8k", "vggsound") for kind in ("", "_zeroshot")]
    for name in (*tasks, "vggsound_retrieval", "teacher"):
        metrics = finished.json(f"results/test/metrics/{name}.json")
        assert metrics["n"] > 0
    for task in ("esc50", "urbansound8k", "vggsound", "vggsound_retrieval"):
        assert (results / f"metrics/logmel/{task}.json").is_file()
    for task in ("desed", "clotho_captioning", "clotho_retrieval"):
        assert (results / f"metrics/logmel/{task}.json").is_file()
    for task in ("desed", "clotho_captioning", "clotho_retrieval", "caption_frequency/clotho_captioning"):
        assert finished.json(f"results/test/metrics/{task}.json")["n"] == 4
    for table in ("table1", "table2", "captions", "clotho"):
        assert (results / f"tables/{table}.csv").is_file()
        assert (results / f"tables/{table}.md").is_file()
    assert len(list((results / "figures").glob("*.png"))) >= 4
    assert len(list((results / "pages").glob("*.html"))) == 10
    assert zipfile.is_zipfile(results / "report.zip")
    assert (results / "model/config.json").is_file()
    assert "<html" in (results / "report.html").read_text(encoding="utf-8")[:2000].lower()


def test_metrics_files_keep_their_contract(finished):
    for path in (finished.path / "results/test/metrics").rglob("*.json"):
        metrics = json.loads(path.read_text(encoding="utf-8"))
        assert {"task", "dataset", "split", "protocol", "encoder", "n", "coverage", "seed", "metrics"} <= set(
            metrics
        )
        assert {"expected", "found", "missing"} == set(metrics["coverage"])
        for value in metrics["metrics"].values():
            assert {"value", "ci95", "chance"} <= set(value)


def test_broken_sources_are_rows_of_the_ledger(finished):
    record = finished.json("results/test/run.json")
    missing = record["coverage"]["train"]["missing"] | record["coverage"]["validation"]["missing"]
    assert sum(missing.values()) >= 4
    assert "no-audio" in missing


def test_webdataset_reads_the_shards(finished):
    (tar,) = sorted((finished.path / "data/embedded/media").glob("test-*.tar"))
    samples = list(webdataset.WebDataset(str(tar), shardshuffle=False))
    index = finished.json(f"data/embedded/media/{tar.stem}.index.json")
    assert [sample["__key__"] for sample in samples] == [clip["clip_id"] for clip in index["clips"]]
    for sample in samples:
        assert {"flac", "360.jpg", "64.png", "json"} <= set(sample)
        assert json.loads(sample["json"])["clip_id"] == sample["__key__"]


def test_a_second_call_has_nothing_to_do(finished):
    done = finished.run()
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


CLIPS = {"make_world", "build_manifest", "fetch_clips"}
TEACHER = {"extract_media", "train_teacher", "embed_images", "join_embeddings"}
EMBEDDINGS = {"embed_benchmark", "embed_corpus", "embed_labels"}


@pytest.mark.parametrize(
    ("key", "reruns", "spares"),
    [
        (
            "seed=8",
            {"make_world", "extract_media", "train_teacher", "train_audio_encoder", "evaluate_benchmark"},
            set(),
        ),
        (
            "world={esc50_clips_per_class_and_fold: 2}",
            {"make_esc50", "embed_benchmark", "evaluate_benchmark"},
            {"make_urbansound8k", "train_audio_encoder", "embed_corpus", *CLIPS, *TEACHER},
        ),
        (
            "media={jpeg_quality: 91}",
            {"extract_media", "train_teacher", "train_audio_encoder"},
            {"make_esc50", *CLIPS},
        ),
        (
            "training={steps: 13}",
            {"train_audio_encoder", "embed_benchmark", "embed_corpus"},
            {"make_esc50", *CLIPS, *TEACHER},
        ),
        (
            "evaluate={bootstrap: 201}",
            {"evaluate_benchmark", "evaluate_retrieval", "measure_teacher"},
            {"make_esc50", "train_audio_encoder", *CLIPS, *TEACHER},
        ),
        (
            "evaluate={probe: {epochs: 2}}",
            {"evaluate_benchmark", "evaluate_vggsound"},
            {"make_esc50", "evaluate_retrieval", *CLIPS, *EMBEDDINGS},
        ),
        (
            "evaluate={desed: {frame_seconds: 0.2}}",
            {"evaluate_desed", "show_events_and_captions"},
            {"make_esc50", "make_desed", "evaluate_clotho", *CLIPS, *EMBEDDINGS},
        ),
    ],
)
def test_one_key_reruns_what_depends_on_it(finished, key, reruns, spares):
    planned = set(finished.planned("--config", key))
    assert reruns <= planned
    assert not planned & spares


def test_weights_that_have_come_fill_their_rows_and_run_nothing_else(copied):
    table = (copied.path / "results/test/tables/table2.md").read_text(encoding="utf-8")
    assert "no weights at data/weights/wav2clip/Wav2CLIP.pt (evaluate.models.wav2clip.path)" in table
    weights = copied.path / "data/weights/wav2clip/Wav2CLIP.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    planned = copied.planned()
    assert (planned["embed_benchmark"], planned["embed_corpus"]) == (2, 1)
    assert {"evaluate_benchmark", "evaluate_vggsound", "evaluate_retrieval", "make_tables"} <= set(planned)
    assert not set(planned) & {"embed_labels", "train_supervised", "train_audio_encoder", "make_world"}


def test_an_encoders_code_reruns_its_own_embeddings(copied):
    module = copied.path / "workflow/scripts/wavbrivl/evaluate/encoders/logmel.py"
    module.write_text(module.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    planned = copied.planned()
    assert (planned["embed_benchmark"], planned["embed_corpus"]) == (2, 1)
    assert not set(planned) & {"embed_labels", "train_supervised", "train_audio_encoder"}


def test_one_module_reruns_what_imports_it(copied):
    loss = copied.path / "workflow/scripts/wavbrivl/train/objective.py"
    loss.write_text(loss.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    planned = set(copied.planned())
    assert "train_audio_encoder" in planned
    assert not planned & {"make_world", "fetch_clips", "extract_media", "train_teacher", "embed_images"}
