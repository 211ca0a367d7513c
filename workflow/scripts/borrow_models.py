"""Take the teacher, the encoder and the generators that another run has trained."""

import shutil
from pathlib import Path

from wavbrivl.files import atomic
from wavbrivl.progress import track
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        pairs = list(zip(snakemake.input, snakemake.output, strict=True))
        for lent, own in track(pairs, "files of models copied"):
            with atomic(Path(own)) as temporary:
                shutil.copyfile(lent, temporary)
