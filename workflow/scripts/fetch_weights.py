"""Fetch one set of weights at its pinned revision, check it, put the folder in place."""

from pathlib import Path

from wavbrivl.config import parse_config
from wavbrivl.weights.fetch import fetch_weights
from wavbrivl.weights.registry import Weights
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        folder = Path(snakemake.output[0]).parent
        fetch_weights(
            name=snakemake.wildcards.weights,
            entry=Weights.model_validate(snakemake.params.entry),
            folder=folder,
            spool=folder.parent / ".spool",
            fetch=parse_config(snakemake.config).fetch,
        )
