"""Cancel what a killed run left on a Slurm cluster, before anything else is submitted.

Slurm jobs outlive the Snakemake process that submitted them. A new run would submit the same job
again while the old one still writes, and the old one could overwrite what the new one made. So a
main process that knows itself alone in its folder (see `stale_lock`) cancels every job that an
earlier one submitted from here, and begins only when Slurm says that they are gone.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from wavbrivl.errors import UserError

SUBMITTED = "slurm_logs"
"""Folder that the executor makes in Snakemake's state: without it, nothing was ever submitted here."""
PATIENCE = 120.0
"""Seconds to wait until cancelled jobs are gone; Slurm itself kills after KillWait (30 by default)."""

_RUN_ID = re.compile(r"(.*_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def cancel_orphans(state: Path, patience: float = PATIENCE) -> list[str]:
    """Cancel the Slurm jobs that earlier runs submitted from this folder, and wait until they are gone.

    Only for a process that is alone in the folder. Does nothing where no job was ever submitted
    from here or Slurm is not installed.

    Args:
        state: Snakemake's state folder, `.snakemake`.
        patience: seconds to wait.

    Returns:
        The ids of the cancelled jobs.

    Raises:
        UserError: Slurm does not answer, or a job does not go.
    """
    if not (state / SUBMITTED).is_dir() or shutil.which("squeue") is None:
        return []
    folder = state.resolve().parent
    orphans = jobs_of(folder)
    if not orphans:
        return []
    _ask(["scancel", *orphans])
    deadline = time.monotonic() + patience
    while left := sorted(set(jobs_of(folder)) & set(orphans)):
        if time.monotonic() > deadline:
            raise UserError(
                f"Slurm job {left[0]} of an earlier run of this folder does not end ({len(left)} in all); "
                "once `squeue --me` shows it no more, the same command goes on"
            )
        time.sleep(1.0)
    return orphans


def jobs_of(folder: Path) -> list[str]:
    """Ids of this user's jobs, not ended, that Snakemake submitted from `folder`."""
    listed = _ask(["squeue", "--noheader", "--user", str(os.getuid()), "--format", "%A\t%j\t%Z"])
    rows = [line.split("\t") for line in listed.splitlines()]
    return sorted(
        {row[0] for row in rows if len(row) == 3 and _RUN_ID.fullmatch(row[1]) and _same(row[2], folder)}
    )


def _same(submitted_from: str, folder: Path) -> bool:
    return os.path.realpath(submitted_from) == str(folder)


def _ask(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise UserError(
            f"{command[0]} fails ({said.strip()}), so it is not known whether jobs of an earlier run still "
            "write here; remove .snakemake/slurm_logs if there are none"
        ) from None
    return done.stdout


def main() -> int:
    """`make cluster-clean`: cancel what is left and clear the lock, without starting anything."""
    from wavbrivl.workflow.stale_lock import release_stale_lock

    state = Path(".snakemake")
    try:
        if not release_stale_lock(state):
            raise UserError("a run of this folder is alive; stop it first (Ctrl-C cancels its jobs)")
        cancelled = cancel_orphans(state)
    except UserError as error:
        print(error)
        return 1
    print(f"cancelled {len(cancelled)} Slurm jobs of earlier runs; the folder is free")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
