"""List the media shards of a split with their checksums."""

from pathlib import Path

from wavbrivl.shards.reader import write_list
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        tars = [Path(path) for path in snakemake.input]
        write_list(Path(snakemake.output[0]), snakemake.wildcards.split, tars)
