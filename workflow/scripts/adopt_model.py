"""Turn a CLIP-like model's folder into a teacher's: checked, weights as safetensors."""

from pathlib import Path

from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.teacher.huggingface import adopt_model
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        adopt_model(
            Path(snakemake.params.source),
            TeacherConfig(**snakemake.params.teacher),
            Path(snakemake.output[0]).parent,
        )
