"""Render Snakemake's report of everything the run has made, as a page and as an archive."""

import logging
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from wavbrivl.errors import UserError
from wavbrivl.workflow.job import job

logger = logging.getLogger("wavbrivl")


def render(targets: Sequence[str], configfiles: Sequence[str], output: str) -> None:
    """Render one form of the report.

    Raises:
        UserError: what Snakemake says where it fails.
    """
    command = [sys.executable, "-m", "snakemake", *targets, "--report", output]
    if configfiles:
        command += ["--configfile", *configfiles]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    logger.debug("%s", done.stderr)
    if done.returncode:
        raise UserError(f"snakemake --report failed: {done.stderr.strip()[-2000:]}")


if __name__ == "__main__":
    with job(snakemake), ThreadPoolExecutor() as side_by_side:
        form = partial(render, snakemake.input, snakemake.params.configfiles)
        list(side_by_side.map(form, snakemake.output))
