"""Each environment's Python packages alone, in a virtual environment of its own, carry its rules' scripts.

There is no conda here: what conda itself adds (Python, ffmpeg, Java) is not part of this test.
"""

import subprocess
import sys

import pytest
import yaml

from wavbrivl.workflow.environments import PINS
from wavbrivl.workflow.rule_scripts import ROOT, rule_scripts

pytestmark = [pytest.mark.environments, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("name", PINS)
def test_scripts_import_in_the_environment_alone(name, tmp_path):
    scripts = [str(script.path) for script in rule_scripts() if script.environment == name]
    assert scripts
    python = tmp_path / "venv/bin/python"
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    # Not compiled: each script is imported once, and most of torch never.
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
    run(*pip, *packages(name))
    # As Snakemake does: the script's own folder comes first on the import path.
    code = (
        "import runpy, sys\n"
        "for path in sys.argv[1:]:\n"
        "    sys.path[0] = path.rpartition('/')[0]\n"
        "    runpy.run_path(path, run_name='imported')\n"
    )
    run(str(python), "-c", code, *scripts)


def packages(name: str) -> list[str]:
    text = (ROOT / f"envs/{name}.yaml").read_text(encoding="utf-8")
    return next(part["pip"] for part in yaml.safe_load(text)["dependencies"] if isinstance(part, dict))


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=1700, check=False)
    assert done.returncode == 0, f"{command[:6]}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
