"""docs/data.md is true to the letter: whoever follows it has added a benchmark, or a registered dataset."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from wavbrivl.config import overlay
from wavbrivl.corpus.registry import REGISTRY, find_version

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "docs/data.md").read_text(encoding="utf-8").partition("## Adding a dataset")[2]
SECTION = SECTION.partition("\n## ")[0]
CONFIGURATION, ENTRY, LAYOUT = (
    re.search(rf"```{language}\n(.*?)```", SECTION, flags=re.DOTALL).group(1)
    for language in ("yaml", "yml", "text")
)
PITCHES = {"garden_gate": (300, "花园门"), "lawn mower": (1500, "割草机")}


def write_yard(root: Path) -> None:
    """A folder as the page has it: two classes, four sounds in each of five folds."""
    audio, table, labels = (Path(line.split()[0]) for line in LAYOUT.strip().splitlines())
    header = LAYOUT.splitlines()[1].split()[1].split(",")
    (root / audio.parent).mkdir(parents=True)
    (root / table.parent).mkdir()
    rows = []
    for number in range(40):
        (category, (pitch, _)), fold = list(PITCHES.items())[number % 2], number % 10 // 2 + 1
        tone = np.sin(2 * np.pi * pitch * np.arange(24_000) / 16_000)
        noise = np.random.default_rng(number).normal(0, 0.1, 24_000)
        soundfile.write(root / audio.parent / f"{number}.wav", 0.3 * tone + noise, 16_000)
        rows.append([f"{number}.wav", fold, number % 2, category, False, number, "A"])
    for path, head, lines in (
        (table, header, rows),
        (labels, ["label", "zh"], [[name.replace("_", " "), zh] for name, (_, zh) in PITCHES.items()]),
    ):
        with (root / path).open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows([head, *lines])


@pytest.mark.workflow
def test_a_benchmark_that_is_added_by_the_text_is_measured(copied):
    toy = yaml.safe_load((copied.path / "config/test.yaml").read_text(encoding="utf-8"))
    mine = overlay(toy, yaml.safe_load(CONFIGURATION))
    (copied.path / "mine.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    write_yard(copied.path)
    done = copied.run("results/test/metrics/esc50.json", config="mine.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    found = copied.json("results/test/metrics/esc50.json")
    assert (found["dataset"], found["n"], found["classes"]) == ("yard", 40, 2)
    # Two tones: log-mel statistics cannot but tell them apart.
    assert copied.json("results/test/metrics/logmel/esc50.json")["metrics"]["accuracy"]["value"] == 1
    assert copied.json("results/test/metrics/esc50_zeroshot.json")["metrics"]["accuracy"]["chance"] == 0.5


def test_an_entry_that_is_added_by_the_text_is_known(tmp_path):
    registry = tmp_path / "registry.yaml"
    registry.write_text(REGISTRY.read_text(encoding="utf-8") + "\n" + ENTRY, encoding="utf-8")
    _, version = find_version("Yard", path=registry)
    assert version.expect == {"meta/esc50.csv": 200, "audio": 200}
    assert version.files[0].unpack.root == "yard"
