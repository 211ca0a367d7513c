"""docs/evaluation.md is true to the letter: whoever follows it has added an encoder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from wavbrivl.config import overlay, parse_config
from wavbrivl.evaluate.matrix import read_matrix

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
    """Written as the page has it, into a folder of its own; the package stays as it is."""
    (adapter,) = blocks("python")
    (tmp_path / "beats_encoder.py").write_text(adapter, encoding="utf-8")
    (tmp_path / "beats_model.py").write_text(NETWORK, encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(blocks("yaml")[-1], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(ROOT / "config/config.yaml"), str(tmp_path / "mine.yaml")],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": f"{ROOT / 'workflow/scripts'}{os.pathsep}{tmp_path}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "beats" in done.stdout


LOUDNESS = """
import numpy as np
from wavbrivl.evaluate.encoders import Embedded

class Loudness:
    rate, dim = 16_000, 1

    def __init__(self, settings, name):
        self.name = name

    def embed(self, waveforms, batch_size, rate=16_000):
        return Embedded(np.array([[np.abs(w).mean()] for w in waveforms], np.float32))

    def frames(self, waveforms, batch_size, rate=16_000):
        raise NotImplementedError
"""
OWN = """
run: test
evaluate:
  encoders: [wavbrivl, logmel, loud]
  models: {loud: {kind: "loudness:Loudness"}}
"""


def test_a_class_on_the_python_path_is_a_row_and_editing_it_embeds_anew(checkout, monkeypatch):
    target = "results/test/evaluation/embeddings/esc50/loud.npz"
    (checkout.path / "mine.yaml").write_text(OWN, encoding="utf-8")
    refused = checkout.run(target, "--dry-run", config="mine.yaml")
    assert refused.returncode != 0
    said = "evaluate.models.loud.kind: there is no module 'loudness' on the Python path"
    assert said in refused.stdout + refused.stderr

    monkeypatch.setenv("PYTHONPATH", str(checkout.path / "mine"))
    module = checkout.path / "mine/loudness.py"
    module.parent.mkdir()
    module.write_text(LOUDNESS, encoding="utf-8")
    done = checkout.run(target, config="mine.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    assert read_matrix(checkout.path / target).embedding.shape[1] == 1
    assert checkout.planned(target, config="mine.yaml") == {}
    module.write_text(LOUDNESS.replace("mean", "max"), encoding="utf-8")
    assert checkout.planned(target, config="mine.yaml") == {"embed_benchmark": 1}
