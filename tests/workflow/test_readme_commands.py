"""Every command of the README is run by a test: here as it stands there, or in the file named beside it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpus_videos import ffmpeg, make_video
from wavbrivl.corpus.ledger import Status, read_ledger

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

HERE = {
    "make estimate CONFIG=config/paper.yaml",
    "snakemake --cores all corpus --configfile config/mine.yaml",
    "snakemake --cores all --use-conda",
}
ELSEWHERE = {
    "make demo": "tests/workflow/test_toy_run.py",
    "make test": ".ci/run",
    "snakemake --cores all corpus --configfile config/paper.yaml": "a network",
    "snakemake --cores all --configfile config/paper.yaml": "a network",
    "snakemake --workflow-profile profiles/slurm": "tests/cluster/test_slurm.py",
    "make track": "tests/workflow/test_dvc.py",
    "dvc repro": "tests/workflow/test_dvc.py",
    "make restore": "tests/workflow/test_dvc.py",
}
BEHIND_MAKE = {
    "make demo": "snakemake --cores all",
    "make track": "-m wavbrivl.workflow.track record",
    "make restore": "-m wavbrivl.workflow.track restore",
}
"""What the tests elsewhere run instead of `make`."""

pytestmark = pytest.mark.workflow


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> set[str]:
    return {line for block in blocks("sh") for line in block.splitlines() if line}


@pytest.fixture
def typed(checkout):
    """Runs a line in a checkout as somebody would who has run `make setup` and activated the environment."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy2(ROOT / name, checkout.path / name)
    (checkout.path / ".venv").symlink_to(sys.prefix)
    path = os.pathsep.join([str(checkout.path / ".venv/bin"), "/usr/bin", "/bin"])

    def run(line: str, *more: str):
        # The environment is there: nothing is to be installed, whatever the times of files say.
        program = ["make", "-o", ".venv/.ready"] if line.startswith("make") else [line.split()[0]]
        return subprocess.run(
            [*program, *line.split()[1:], *more],
            cwd=checkout.path,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def test_every_command_is_run_by_a_test():
    assert commands() == HERE | ELSEWHERE.keys()
    assert all((ROOT / place).exists() for place in ELSEWHERE.values() if place != "a network")


def test_a_target_never_follows_configuration_files():
    """Snakemake would take it for one of them."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "config").glob("*.yaml")]
    for page in pages:
        for line in page.read_text(encoding="utf-8").splitlines():
            after = re.search(r"snakemake .*--configfile((?: +[^\s`#]+)*)", line)
            files = after.group(1).split() if after else []
            targets = files[: files.index("--")] if "--" in files else files
            assert all(name.endswith((".yaml", ">")) for name in targets), f"{page.name}: {line}"


def test_behind_make_stands_what_the_tests_elsewhere_run(typed):
    for line, program in BEHIND_MAKE.items():
        assert program in typed(line, "--dry-run").stdout, line


def test_the_estimate(typed):
    done = typed("make estimate CONFIG=config/paper.yaml")
    assert done.returncode == 0 and "GPU" in done.stdout, done.stderr


def test_own_videos_by_a_list(typed, checkout):
    (mine,) = (block for block in blocks("yaml") if "run: mine" in block)
    (checkout.path / "config/mine.yaml").write_text(mine, encoding="utf-8")
    clips, lists = checkout.path / "data/mine/videos", checkout.path / "data/lists"
    clips.mkdir(parents=True)
    lists.mkdir()
    rows = "".join(f"clip{i:07d},{i},dog barking,{'test' if i > 1 else 'train'}\n" for i in range(3))
    (lists / "mine.csv").write_text(rows, encoding="utf-8")
    video = make_video(checkout.path / "whole.mp4", seconds=13, size=(160, 96))
    for i in range(3):
        ffmpeg("-ss", i, "-t", 11, "-i", video.path, "-c", "copy", clips / f"clip{i:07d}_{i:06d}.mp4")
    done = typed("snakemake --cores all corpus --configfile config/mine.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    media = (checkout.path / "data/mine/media").glob("*.ledger.csv")
    assert [row.status for path in media for row in read_ledger(path)] == [Status.OK] * 3


def test_conda_that_is_not_there_is_named(typed):
    if shutil.which("conda"):
        pytest.skip("conda is installed here")
    done = typed("snakemake --cores all --use-conda")
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "conda" in said and "Traceback" not in said
