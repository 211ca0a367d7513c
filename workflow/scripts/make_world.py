"""Write the embedded world: videos with sound, their list and their hidden parameters."""

from pathlib import Path

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.workflow.job import job
from wavbrivl.world.make import make_world

if __name__ == "__main__":
    with job(snakemake):
        make_world(
            out=Path(snakemake.output.clips).parent,
            config=WorldConfig(**snakemake.params.world),
            seed=snakemake.params.seed,
            workers=snakemake.threads,
        )
