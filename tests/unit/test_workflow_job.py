"""A job's frame: when garbage is looked for."""

import gc
import os
import subprocess
import sys
from pathlib import Path

from wavbrivl.workflow.import_path import hand_down

JOB = """
import gc, os, types
import wavbrivl
from wavbrivl.workflow.job import job
seen = [gc.isenabled(), "WAVBRIVL_JOB" in os.environ]
with job(types.SimpleNamespace(rule="some", wildcards=[], log=["some.log"])):
    seen.append(gc.isenabled())
print(seen)
"""


def run(folder: Path, **variables: str) -> str:
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, "-c", JOB], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_no_garbage_is_looked_for_among_the_imports_of_a_job(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv("WAVBRIVL_JOB", "")
    hand_down()
    assert run(tmp_path, WAVBRIVL_JOB=os.environ["WAVBRIVL_JOB"]) == "[False, False, True]"
    assert gc.isenabled()


def test_elsewhere_it_always_is(tmp_path):
    assert run(tmp_path, WAVBRIVL_JOB="") == "[True, False, True]"
