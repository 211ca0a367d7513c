"""A teacher from a folder of one's own: what lies in the folder decides, not its name alone."""

import os
import shutil

import pytest

from tests.hub_models import write_model

pytestmark = pytest.mark.workflow

TEACHER = "teacher={kind: huggingface, model: mine/clip}"
MADE = "results/test/teacher/config.json"


def test_swapped_weights_are_adopted_anew(checkout, tmp_path):
    folder = write_model(checkout.path / "mine/clip", "clip", seed=1)
    done = checkout.run(MADE, "--config", TEACHER)
    assert done.returncode == 0, done.stderr[-4000:]
    assert checkout.planned(MADE, "--config", TEACHER) == {}

    other = write_model(tmp_path / "other", "clip", seed=2)
    shutil.copyfile(other / "model.safetensors", folder / "model.safetensors")
    os.utime(folder / "model.safetensors")
    assert checkout.planned(MADE, "--config", TEACHER) == {"adopt_model": 1}
