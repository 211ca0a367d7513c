"""Real clips and a real benchmark, through the same rules, by configuration alone."""

import csv
import os
from pathlib import Path

import pytest
import torch
import yaml
from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMModel

from tests.published_models import write_openl3, write_wav2clip
from wavbrivl.publish.cells import collect
from wavbrivl.publish.tables import write_table2
from wavbrivl.shards.reader import MediaShards

pytestmark = pytest.mark.workflow

REAL = Path(os.environ.get("WAVBRIVL_REAL_DATA", Path(__file__).parents[3] / "shared/data/real"))
needs_real_data = pytest.mark.skipif(
    not (REAL / "VGGSound").is_dir(), reason="real sample clips are not on this machine (WAVBRIVL_REAL_DATA)"
)


@needs_real_data
def test_ten_real_clips_become_valid_members(checkout):
    config = f"""
run: real
corpus:
  name: vggsound-sample
  format: vggsound
  clip_list: {REAL}/VGGSound/vggsound.subset.csv
  clip_seconds: 10
  clips_per_shard: 2000
  sources: [{{kind: folder, path: {REAL}/VGGSound/clips}}]
"""
    (checkout.path / "real.yaml").write_text(config, encoding="utf-8")
    done = checkout.run("corpus", config="real.yaml")
    assert done.returncode == 0, done.stderr[-4000:]

    shards = MediaShards(sorted((checkout.path / "data/vggsound-sample/media").glob("*.tar")))
    assert len(shards) == 10
    for i in range(len(shards)):
        audio = shards.audio(i)
        assert audio.shape == (160_000,)
        assert shards.image(i, 360).shape == (360, 360, 3)
        assert shards.image(i, 64).shape == (64, 64, 3)
    ledgers = (checkout.path / "data/vggsound-sample/media").glob("*.ledger.csv")
    rows = [line for path in ledgers for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    assert len(rows) == 17_495
    assert sum(",ok," in row for row in rows) == 10
    assert sum(",missing," in row for row in rows) == 17_485


@needs_real_data
def test_every_encoder_gives_a_five_fold_accuracy_on_esc10_in_one_table(copied):
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 32}
    WavLMModel(WavLMConfig(**sizes, conv_dim=[8] * 7, num_conv_pos_embeddings=8)).save_pretrained(
        copied.path / "data/weights/tiny"
    )
    Wav2Vec2FeatureExtractor().save_pretrained(copied.path / "data/weights/tiny")
    models = {"tiny": {"kind": "huggingface", "path": "data/weights/tiny"}}
    for name, write in (("wav2clip", write_wav2clip), ("openl3", write_openl3)):
        path = f"data/weights/{name}/random.pt"
        write(copied.path / path)
        # Networks of the true size: OpenL3 takes a third of a second for each of its windows.
        models[name] = {"kind": name, "path": path, "hop_seconds": 5.0}
    values = yaml.safe_load((copied.path / "config/test.yaml").read_text(encoding="utf-8"))
    values["evaluate"] |= {
        "esc50": {"path": f"{REAL}/ESC-10"},
        "encoders": ["wavbrivl", "random", "logmel", "supervised", "wav2clip", "openl3", "tiny"],
        "models": models,
        "supervised": values["evaluate"]["supervised"] | {"folds": None},
    }
    (copied.path / "esc10.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    done = copied.run("results/test/evaluation/esc50.items.csv", config="esc10.yaml")
    assert done.returncode == 0, done.stderr[-4000:]

    metrics = (copied.path / "results/test/metrics").glob("**/esc50*.json")
    write_table2(copied.path / "table2.csv", copied.path / "table2.md", collect(metrics))
    with (copied.path / "table2.csv").open(encoding="utf-8", newline="") as handle:
        rows = {row["model"]: row for row in csv.DictReader(handle) if row["column"] == "ESC-50 ACC"}
    names = [
        "Supervise",
        "OpenL3",
        "Wav2CLIP",
        "WavBriVL",
        "WavBriVL (ZS)",
        "Random weights",
        "Log-mel statistics",
        "tiny",
    ]
    for name in names:
        assert 0 <= float(rows[name]["measured"]) <= 1, name
        assert rows[name]["dataset"] == "ESC-10"
        assert (rows[name]["n"], rows[name]["split"]) == ("50", "all folds")
        assert float(rows[name]["fold_mean"]) == pytest.approx(float(rows[name]["measured"]), abs=1e-5)
        assert float(rows[name]["fold_spread"]) >= 0
    for encoder in ("", "random/", "logmel/", "supervised/", "openl3/", "wav2clip/", "tiny/"):
        folds = copied.json(f"results/test/metrics/{encoder}esc50.json")["folds"]["accuracy"]
        assert (folds["fold"], folds["n"]) == ([1, 2, 3, 4, 5], [10] * 5)
