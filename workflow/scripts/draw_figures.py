"""Draw the figures of a run."""

from pathlib import Path

from wavbrivl.evaluate.items import read_items
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

        items = read_items([Path(inputs.esc50)])
        by_encoder = {encoder: scored for (task, encoder), scored in items.items() if task == "esc50"}
        labels = sorted(set(by_encoder["wavbrivl"].label))
        dataset = snakemake.params.dataset
        figures.confusion_matrix(
            Path(outputs.confusion), by_encoder["wavbrivl"], labels, f"{dataset}, five folds"
        )
        figures.class_bars(
            Path(outputs.classes), by_encoder, "accuracy", f"{dataset}, accuracy by class", 1 / len(labels)
        )
