"""Draw curves, retrieval examples and a map of the shared space."""

from pathlib import Path

from wavbrivl.publish import figures
from wavbrivl.shards.reader import MediaShards
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs = snakemake.input, snakemake.output
        figures.loss_curves(Path(outputs.curves), Path(inputs.training))
        figures.loss_table(Path(outputs.losses), Path(inputs.training))
        shards = MediaShards([Path(path) for path in inputs.media])
        figures.retrieval_picture(Path(outputs.retrieval), Path(inputs.retrieval), shards)
        figures.shared_space_map(Path(outputs.space), Path(inputs.retrieval), snakemake.params.seed)
