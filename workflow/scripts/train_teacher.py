"""Train a small BriVL on the captions of the training clips, by BriVL's own objective."""

from pathlib import Path

from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.training import train_teacher
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        train_teacher(
            shards=MediaShards([Path(path) for path in snakemake.input.media]),
            config=TeacherConfig(**snakemake.params.teacher),
            out=Path(snakemake.output[0]).parent,
            seed=snakemake.params.seed,
        )
