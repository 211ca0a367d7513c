"""Write clips of the embedded world in VEGAS's layout."""

from pathlib import Path

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.workflow.job import job
from wavbrivl.world.vegas import write_vegas

if __name__ == "__main__":
    with job(snakemake):
        write_vegas(
            out=Path(snakemake.output.tables[0]).parents[1],
            config=WorldConfig(**snakemake.params.world),
            seed=snakemake.params.seed,
        )
