"""Train one point of the grid search; one that diverges is a row of the table, not a failure."""

from pathlib import Path

from wavbrivl.train.launch import train
from wavbrivl.train.loop import DivergedError
from wavbrivl.train.point import finish_point
from wavbrivl.train.task import Task
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        folder = Path(snakemake.output.result).parent
        resources = snakemake.resources
        diverged = None
        try:
            train(Task.of_job(snakemake, folder), resources.get("gpu", 1), resources.get("nodes", 1))
        except DivergedError as error:
            diverged = str(error)
        finish_point(folder, snakemake.params.point, diverged)
