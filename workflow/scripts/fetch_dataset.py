"""Download a registered dataset, check it, unpack it, put the folder in place."""

from pathlib import Path

from wavbrivl.config import parse_config
from wavbrivl.corpus.dataset import fetch_dataset
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        folder = Path(snakemake.output[0]).parent
        fetch_dataset(
            name=snakemake.wildcards.dataset,
            folder=folder,
            spool=folder.parent / ".spool",
            fetch=parse_config(snakemake.config).fetch,
        )
