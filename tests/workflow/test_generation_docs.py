"""docs/generation.md is true to the letter: whoever follows it has added a generator."""

import re
from pathlib import Path

import pytest
import yaml

from wavbrivl.config import overlay
from wavbrivl.files import read_json

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/generation.md").read_text(encoding="utf-8")
TABLE = "results/test/tables/table3.md"

pytestmark = pytest.mark.workflow


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)
    return found


def test_a_generator_that_is_added_by_the_text_is_trained_draws_and_is_judged(copied, monkeypatch):
    toy = yaml.safe_load((copied.path / "config/test.yaml").read_text(encoding="utf-8"))
    mine = yaml.safe_dump(overlay(toy, yaml.safe_load(block("yaml"))))
    (copied.path / "mine.yaml").write_text(mine, encoding="utf-8")
    refused = copied.run(TABLE, "--dry-run", config="mine.yaml")
    said = "generate.own.nearest.kind: there is no module 'nearest_frame' on the Python path"
    assert refused.returncode != 0 and said in refused.stdout + refused.stderr

    module = copied.path / "mine/nearest_frame.py"
    module.parent.mkdir()
    module.write_text(block("python"), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(module.parent))
    planned = copied.planned(TABLE, "results/test/human_study", config="mine.yaml")
    assert planned["train_own_generator"] == planned["draw_nearest"] == planned["judge_drawings"] == 1
    assert not {name for name in planned if name.startswith(("train_", "draw_"))} - {
        *("train_own_generator", "draw_nearest")
    }
    done = copied.run(TABLE, "results/test/human_study", "results/test/tables/table4.md", config="mine.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    run = copied.path / "results/test"
    assert {"nearest", "nearest: hears nothing"} <= rows_of(run / "tables/table3.md")
    assert "WavBriVL, nearest" in (run / "tables/table4.md").read_text(encoding="utf-8")

    shards = (copied.path / "data/embedded/media").glob("train-*.index.json")
    train = {clip["clip_id"] for shard in shards for clip in read_json(shard)["clips"]}
    assert set(read_json(run / "generate/nearest/model/trained.json")["clips"]) == train
    module.write_text(block("python").replace("argmax", "argmin"), encoding="utf-8")
    again = copied.planned(TABLE, config="mine.yaml")
    assert again["train_own_generator"] == again["draw_nearest"] == 1


def rows_of(table: Path) -> set[str]:
    lines = [line for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return {re.sub(r"\*|WavBriVL, ", "", line.split("|")[1]).strip() for line in lines}
