"""Write the embedded benchmark in ESC-50's layout."""

from pathlib import Path

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.workflow.job import job
from wavbrivl.world.benchmarks import write_esc50

if __name__ == "__main__":
    with job(snakemake):
        write_esc50(
            out=Path(snakemake.output.audio).parent,
            config=WorldConfig(**snakemake.params.world),
            seed=snakemake.params.seed,
        )
