"""Write the embedded benchmark in Clotho's layout."""

from pathlib import Path

from wavbrivl.config.captions import EmbeddedClothoConfig
from wavbrivl.workflow.job import job
from wavbrivl.world.clotho import write_clotho

if __name__ == "__main__":
    with job(snakemake):
        write_clotho(
            out=Path(snakemake.output.captions[0]).parent,
            config=EmbeddedClothoConfig(**snakemake.params.embedded),
            seed=snakemake.params.seed,
        )
