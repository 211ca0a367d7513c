"""Align the audio encoder with the frozen image embeddings, or take the grid search's best."""

from pathlib import Path

from wavbrivl.train.export import export_model
from wavbrivl.train.launch import train
from wavbrivl.train.search import adopt
from wavbrivl.train.task import Task
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        training = Path(snakemake.output.best).parent
        resources = snakemake.resources
        if snakemake.input.chosen:
            adopt(Path(snakemake.input.chosen), training)
        else:
            train(Task.of_job(snakemake, training), resources.get("gpu", 1), resources.get("nodes", 1))
        teacher = Path(snakemake.input.teacher[0]).parent
        export_model(training, Path(snakemake.output.model[0]).parent, teacher)
