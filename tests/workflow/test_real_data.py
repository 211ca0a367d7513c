"""Real clips and a real benchmark, through the same rules, by configuration alone."""

import os
from pathlib import Path

import pytest

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
def test_esc10_gives_a_five_fold_accuracy(copied):
    config = (copied.path / "config/test.yaml").read_text(encoding="utf-8")
    config = config.replace("evaluate:\n", f"evaluate:\n  esc50:\n    path: {REAL}/ESC-10\n")
    (copied.path / "esc10.yaml").write_text(config, encoding="utf-8")
    done = copied.run("evaluate", config="esc10.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    for name in ("esc50", "random/esc50", "logmel/esc50"):
        metrics = copied.json(f"results/test/metrics/{name}.json")
        assert metrics["n"] == 50
        assert metrics["folds"]["accuracy"]["fold"] == [1, 2, 3, 4, 5]
        assert 0 <= metrics["metrics"]["accuracy"]["value"] <= 1
