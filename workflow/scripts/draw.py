"""Draw the conditions of one or several studies with one generator, everything frozen."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.generation import GenerateConfig
from wavbrivl.generate.load import draw_study
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        device = set_up(params.seed, threads=1)
        for study in params.studies:
            draw_study(
                study,
                params.generator,
                GenerateConfig(**params.generate),
                Path(inputs.mappings).parents[1],
                Path(inputs.teacher[0]).parent,
                device,
                params.seed,
            )
