"""Check a released BriVL checkpoint key by key and convert it once to safetensors."""

from pathlib import Path

from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.teacher.model import convert_checkpoint
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        teacher = snakemake.params.teacher | {"checkpoint": snakemake.params.checkpoint}
        convert_checkpoint(TeacherConfig(**teacher), Path(snakemake.output[0]).parent)
