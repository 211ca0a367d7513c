"""Write the embedded benchmark in DESED's layout."""

from wavbrivl.config.events import EmbeddedDesedConfig, desed_folder
from wavbrivl.workflow.job import job
from wavbrivl.world.desed import write_desed

if __name__ == "__main__":
    with job(snakemake):
        write_desed(
            out=desed_folder(snakemake.output.tables[0], snakemake.params.parts[0]),
            config=EmbeddedDesedConfig(**snakemake.params.embedded),
            seed=snakemake.params.seed,
        )
