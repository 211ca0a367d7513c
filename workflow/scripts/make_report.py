"""Render Snakemake's report of everything the run has made, as a page and as an archive."""

import logging
import subprocess
import sys

from wavbrivl.errors import UserError
from wavbrivl.workflow.job import job

logger = logging.getLogger("wavbrivl")

if __name__ == "__main__":
    with job(snakemake):
        for output in snakemake.output:
            command = [sys.executable, "-m", "snakemake", *snakemake.input, "--report", output]
            if snakemake.params.configfiles:
                command += ["--configfile", *snakemake.params.configfiles]
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            logger.debug("%s", done.stderr)
            if done.returncode:
                raise UserError(f"snakemake --report failed: {done.stderr.strip()[-2000:]}")
