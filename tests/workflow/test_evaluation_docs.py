"""docs/evaluation.md is true to the letter: whoever follows it has added an encoder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from wavbrivl.config import overlay, parse_config

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/evaluation.md").read_text(encoding="utf-8")

TRY = """
import sys
import numpy as np, torch, yaml
from wavbrivl.config import overlay, parse_config
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder

default, block = (yaml.safe_load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
config = parse_config(overlay(default, block)).evaluate
encoder = load_encoder("beats", EncoderSettings(torch.device("cpu"), 1, models=config.models))
sounds = [np.ones(n, dtype=np.float32) * n for n in (1, 4000, 24000)]
embedded = encoder.embed(sounds, 2).embedding
assert embedded.shape == (3, encoder.dim), embedded.shape
assert np.array_equal(encoder.embed(sounds[1:2], 1, 16000).embedding[0], embedded[1])
assert all(f.seconds[-1] < max(len(s), 2) / 16000 for f, s in zip(encoder.frames(sounds, 2), sounds))
print(config.encoders)
"""
NETWORK = """
import torch

class Mean(torch.nn.Module):
    def forward(self, x):
        return x.unfold(1, 4000, 4000).mean(dim=2)[..., None].expand(-1, -1, 768)

def load_beats(path):
    assert path.name == "BEATs_iter3.pt"
    return Mean()
"""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def test_configurations_are_valid():
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    *known, beats = blocks("yaml")
    assert len(known) == 2 and "beats" in beats
    for block in known:
        parse_config(overlay(default, yaml.safe_load(block)))


def test_an_encoder_that_is_added_by_the_text_works(tmp_path):
    package = tmp_path / "wavbrivl"
    shutil.copytree(ROOT / "workflow/scripts/wavbrivl", package, ignore=shutil.ignore_patterns("__pycache__"))
    adapter, line = blocks("python")
    (package / "evaluate/encoders/beats.py").write_text(adapter, encoding="utf-8")
    kinds = (package / "evaluate/kinds.py").read_text(encoding="utf-8")
    head, start, rest = kinds.partition("KINDS: dict[str, str] = {\n")
    (package / "evaluate/kinds.py").write_text(head + start + line + rest, encoding="utf-8")
    (tmp_path / "beats_model.py").write_text(NETWORK, encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(blocks("yaml")[-1], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(ROOT / "config/config.yaml"), str(tmp_path / "mine.yaml")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "beats" in done.stdout
