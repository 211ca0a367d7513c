"""docs/data.md is true: its configuration is valid, its commands work, its tables are complete."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from wavbrivl.config import overlay, parse_config
from wavbrivl.config.corpus import Source
from wavbrivl.corpus.ledger import RETRIED, STOPPING, TRANSIENT, Status

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/data.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def commands() -> list[str]:
    return [line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines() if line]


def table(heading: str) -> dict[str, list[str]]:
    """First cell to the other cells of the table below a heading row."""
    rows = PAGE.partition(heading)[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {row[0]: row[1:] for row in cells}


def test_configuration_examples_are_valid():
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    assert len(blocks("yaml")) >= 3
    for block in blocks("yaml"):
        parse_config(overlay(default, yaml.safe_load(block)))


def test_every_kind_of_source_is_explained():
    kinds = {name.strip("`") for name in table("| kind | what it is |")}
    assert kinds == set(Source.model_fields["kind"].annotation.__args__)


def test_every_status_is_explained_and_what_is_asked_again_is_so():
    rows = table("| status | means | asked again |")
    named = {name.strip(" `"): again for names, (_, again) in rows.items() for name in names.split(",")}
    assert set(named) == set(Status) - {Status.OK}
    assert {name for name, again in named.items() if again == "on request"} == TRANSIENT
    assert {name for name, again in named.items() if "goes on" in again} == STOPPING
    assert {name for name, again in named.items() if again != "no"} == RETRIED


@pytest.mark.workflow
def test_the_commands_work(finished, tmp_path):
    assert len(commands()) >= 5
    for command in commands():
        if command.startswith("snakemake"):
            targets = [
                word for word in command.split()[1:] if not word.startswith("-") and not word.isdigit()
            ]
            finished.planned(*(target for target in targets if target != "all"))
        else:
            program = command.replace("data/vggsound", "data/embedded").split()[1:]
            program += ["--out", str(tmp_path / "now")]
            done = subprocess.run(
                [sys.executable, *program], cwd=finished.path, capture_output=True, text=True
            )
            assert done.returncode == 0 and "of the clips are there" in done.stdout, done.stderr
