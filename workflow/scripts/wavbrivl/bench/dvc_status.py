"""How long `dvc status` takes for a run as large as the paper's: every file of it is there, a few bytes long.

DVC keeps the checksum of an unchanged file (by inode, size and time): the number of files decides, not their
size.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from wavbrivl.bench.plan import copy_workflow, write_plan
from wavbrivl.errors import UserError
from wavbrivl.workflow.record import machine

LIMIT = 5.0
REPEATS = 3
_LIST_OUTPUTS = """
import json, sys
from wavbrivl.workflow.pipeline import NEEDS, planned_outputs
print(json.dumps(sorted({path for name in NEEDS for path, _ in planned_outputs(name, sys.argv[1])})))
"""


def dvc_status_benchmark(root: Path, shrink: int = 1) -> dict[str, Any]:
    """Record a simulated run over the whole of VGG-Sound and time `dvc status`.

    Args:
        root: the checkout; the measurement runs in a copy of its workflow.
        shrink: divides the list's length.

    Returns:
        A record of name, value, unit, against, ratio, machine; the value is the median of three calls in
        seconds, the ratio its share of the limit.
    """
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder)
        copy_workflow(root, checkout)
        config = write_plan(checkout, "plan_vggsound", shrink)
        files = planned_files(checkout, config)
        for path in files:
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            (checkout / path).write_text(path, encoding="utf-8")
        _record(root, checkout, config)
        seconds = sorted(_status(checkout) for _ in range(REPEATS))[REPEATS // 2]
        _notices_a_change(checkout, next(path for path in files if "/media/" in path))
    (largest, most), *_ = Counter(str(Path(path).parent) for path in files).most_common(1)
    return {
        "name": "dvc_status",
        "value": round(seconds, 2),
        "unit": f"seconds of `dvc status` for {len(files)} files, {most} of them in {largest}",
        "against": {"what": "the limit", "value": LIMIT},
        "ratio": round(seconds / LIMIT, 2),
        "machine": machine(),
    }


def planned_files(checkout: Path, config: str) -> list[str]:
    """Every output of the run."""
    return json.loads(_run(checkout, "-c", _LIST_OUTPUTS, config))


def _record(root: Path, checkout: Path, config: str) -> None:
    for name in (".dvcignore", ".gitignore", ".dvc"):
        if (root / name).is_dir():
            shutil.copytree(root / name, checkout / name, ignore=shutil.ignore_patterns("tmp", "cache"))
        else:
            shutil.copy2(root / name, checkout / name)
    (checkout / "params.yaml").write_text("run: demo\nconfigfile: config/config.yaml\n", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=checkout, check=True)
    _run(checkout, "-m", "wavbrivl.workflow.track", "record", "--run", "plan", "--configfile", config)


def _status(checkout: Path) -> float:
    before = time.monotonic()
    said = _run(checkout, "-m", "dvc", "status", "tracks/plan/dvc.yaml")
    seconds = time.monotonic() - before
    if "up to date" not in said:
        raise UserError(f"dvc status finds changes right after recording: {said[-500:]}")
    return seconds


def _notices_a_change(checkout: Path, path: str) -> None:
    (checkout / path).write_text("another", encoding="utf-8")
    said = _run(checkout, "-m", "dvc", "status", "tracks/plan/dvc.yaml")
    if "modified" not in said:
        raise UserError(f"dvc status does not notice that {path} has changed: {said[-500:]}")


def _run(checkout: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=checkout, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    if done.returncode:
        raise UserError(f"{' '.join(arguments)[:80]} failed: {(done.stdout + done.stderr)[-800:]}")
    return done.stdout
