"""Write the embedded benchmark in UrbanSound8K's layout."""

from pathlib import Path

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.workflow.job import job
from wavbrivl.world.benchmarks_urbansound8k import write_urbansound8k

if __name__ == "__main__":
    with job(snakemake):
        write_urbansound8k(
            out=Path(snakemake.output.audio).parent,
            config=WorldConfig(**snakemake.params.world),
            seed=snakemake.params.seed,
        )
