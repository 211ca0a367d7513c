"""Fetch an audio model from the Hugging Face hub at its pinned revision."""

from pathlib import Path

from wavbrivl.evaluate.hub import fetch_model
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        fetch_model(snakemake.params.id, snakemake.params.revision, Path(snakemake.output[0]))
