"""A checkout of one's own to run the workflow in, at toy size; its fixtures serve every folder of tests."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "rules", "workflow", "config", "profiles", "envs")


@dataclass(frozen=True)
class Checkout:
    """A folder that holds the workflow and nothing that it has made yet."""

    path: Path

    def command(self, *arguments: str, cores: int = 2, config: str = "config/test.yaml") -> list[str]:
        overlay = ["--configfile", config] if config else []
        return [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments, *overlay]

    def run(self, *arguments: str, cores: int = 2, config: str = "config/test.yaml", timeout: int = 1200):
        """Run Snakemake to its end and return the finished process, output as text."""
        return subprocess.run(
            self.command(*arguments, cores=cores, config=config),
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def planned(self, *arguments: str, config: str = "config/test.yaml") -> dict[str, int]:
        """How many jobs of each rule a dry run wants."""
        done = self.run("--quiet", "rules", "--dry-run", *arguments, config=config)
        assert done.returncode == 0, done.stdout + done.stderr
        return _job_counts(done.stdout + done.stderr)

    def json(self, path: str):
        return json.loads((self.path / path).read_text(encoding="utf-8"))


def _job_counts(text: str) -> dict[str, int]:
    lines = text.splitlines()
    if not any(line.startswith("job ") for line in lines):
        return {}
    start = next(i for i, line in enumerate(lines) if line.startswith("job "))
    rows = [line.split() for line in lines[start + 2 :]]
    counts = {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
    counts.pop("total", None)
    return counts


def new_checkout(path: Path) -> Checkout:
    path.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, path / part)
    return Checkout(path)


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    """A fresh checkout: nothing has run in it."""
    return new_checkout(tmp_path / "checkout")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Checkout:
    """A checkout in which the toy workflow ran to its end on two cores. Tests must not change it.

    Processes of one run of tests share it; runs that follow each other do where WAVBRIVL_FINISHED names a
    folder for it, which must not outlive an edit.
    """
    base = tmp_path_factory.getbasetemp()
    place = Path(os.environ.get("WAVBRIVL_FINISHED") or (base if worker_id == "master" else base.parent))
    checkout, whole = Checkout(place / "finished"), place / "finished.whole"
    with FileLock(place / "finished.lock"):
        if not whole.exists():
            done = new_checkout(checkout.path).run()
            assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
            whole.touch()
    return checkout


@pytest.fixture
def copied(finished, tmp_path) -> Checkout:
    """A copy of the finished checkout, times kept, to change as one likes."""
    shutil.copytree(finished.path, tmp_path / "copy", symlinks=True)
    return Checkout(tmp_path / "copy")
