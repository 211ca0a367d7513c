"""Take the manifests of ten shards out of their pack."""

from pathlib import Path

from wavbrivl.corpus.manifest import split_pack
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        split_pack(Path(snakemake.input[0]), [Path(path) for path in snakemake.output])
