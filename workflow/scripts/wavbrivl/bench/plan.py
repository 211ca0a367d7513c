"""How long planning takes for whole published lists: no download, nothing made, the list already checked."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from wavbrivl.bench.lists import write_audioset, write_vggsound
from wavbrivl.errors import UserError
from wavbrivl.workflow.record import machine

LIMITS = {"plan_vggsound": 5.0, "plan_all": 15.0}
PARTS = ("Snakefile", "rules", "workflow", "config", "profiles", "envs")
REPEATS = 3


def plan_benchmark(name: str, root: Path, shrink: int = 1) -> dict[str, Any]:
    """Time `snakemake -n` over VGG-Sound (`plan_vggsound`) or VGG-Sound and AudioSet (`plan_all`).

    Args:
        root: the checkout; the measurement runs in a copy of its workflow.
        shrink: divides the lists' lengths.

    Returns:
        A record of name, value, unit, against, ratio, machine; the value is the median of three runs in
        seconds, the ratio its share of the limit; `cold` is the first run, which checks the list as well.
    """
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder)
        copy_workflow(root, checkout)
        write_plan(checkout, name, shrink)
        cold, jobs = _plan(checkout)
        seconds = sorted(_plan(checkout)[0] for _ in range(REPEATS))[REPEATS // 2]
    return {
        "name": name,
        "value": round(seconds, 2),
        "unit": f"seconds of `snakemake -n` for {jobs} jobs, the list checked before",
        "against": {"what": "the limit", "value": LIMITS[name]},
        "ratio": round(seconds / LIMITS[name], 2),
        "cold": round(cold, 2),
        "machine": machine(),
    }


def copy_workflow(root: Path, checkout: Path) -> None:
    """The workflow of a checkout into another folder."""
    for part in PARTS:
        copy = shutil.copytree if (root / part).is_dir() else shutil.copy2
        copy(root / part, checkout / part)


def write_plan(checkout: Path, name: str, shrink: int) -> str:
    """Write lists as long as the published ones and `plan.yaml`, the configuration that names them.

    Args:
        name: `plan_vggsound`, or `plan_all` with AudioSet as well.
        shrink: divides the lists' lengths.

    Returns:
        The name of the configuration.
    """
    lists: list[Any] = [
        {"path": str(write_vggsound(checkout / "vggsound.csv", shrink)), "format": "vggsound"}
    ]
    corpus: dict[str, Any] = {"name": "plan", "format": "vggsound", "clip_list": lists}
    if name == "plan_all":
        segments, names = write_audioset(checkout, shrink)
        lists += [{"path": str(path), "format": "audioset"} for path in segments]
        corpus["audioset_labels"] = str(names)
    corpus |= {"clip_seconds": 10, "clips_per_shard": 1000, "sources": [{"kind": "youtube"}]}
    values = {"run": "plan", "corpus": corpus, "teacher": {"language": "en"}}
    (checkout / "plan.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return "plan.yaml"


def _plan(checkout: Path) -> tuple[float, int]:
    """Seconds and number of jobs of a dry run."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "-n", "--configfile", "plan.yaml"]
    before = time.monotonic()
    done = subprocess.run(
        command, cwd=checkout, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - before
    if done.returncode:
        raise UserError(f"the dry run failed: {(done.stdout + done.stderr)[-500:]}")
    total = next(
        line for line in done.stdout.splitlines() + done.stderr.splitlines() if line.startswith("total ")
    )
    return seconds, int(total.split()[1])
