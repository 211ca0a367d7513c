"""The README is true to the letter: links, targets, configuration and code in it work."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from wavbrivl.config import load_config, overlay, parse_config

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def _commands() -> list[str]:
    return [line for block in _blocks("sh") for line in block.splitlines() if line]


def test_links_lead_to_files():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [target for target in targets if "://" not in target and not (ROOT / target).exists()]
    assert targets
    assert not missing


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    wanted = {command.split()[1] for command in _commands() if command.startswith("make ")}
    assert {"demo", "test"} <= wanted
    for target in wanted:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_configuration_examples_are_valid():
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    blocks = _blocks("yaml")
    assert blocks
    for block in blocks:
        parse_config(overlay(default, yaml.safe_load(block)))


def test_paper_configuration_is_valid():
    load_config(ROOT / "config/config.yaml", ROOT / "config/paper.yaml")


@pytest.mark.workflow
def test_snakemake_targets_exist(finished):
    stages = re.search(r"One stage at a time:(.*?)\n\n", README, flags=re.DOTALL)
    names = re.findall(r"`(?:snakemake --cores all )?([a-z]+)`", stages.group(1))
    assert {"corpus", "teacher", "train", "evaluate", "publish"} <= set(names)
    for name in names:
        assert finished.planned(name) == {}


@pytest.mark.workflow
def test_python_example_runs_on_the_exported_model(finished, tmp_path):
    soundfile.write(tmp_path / "sound.wav", np.random.default_rng(1).normal(0, 0.1, 24_000), 16_000)
    (code,) = _blocks("python")
    model = finished.path / "results/test/model"
    code = code.replace("results/demo/model", str(model))
    code += "\nassert sounds.embedding.shape == (1, 512)\nassert len(sounds.projection) == 1\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
