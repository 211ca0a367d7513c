"""Put the exported model and its card with metrics into one folder to pass on."""

from pathlib import Path

from wavbrivl.train.share import share_model
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        model = [Path(path) for path in snakemake.input.model]
        share_model(model, Path(snakemake.input.card), Path(snakemake.output[0]).parent)
