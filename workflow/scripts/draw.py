"""Draw a study's conditions with one generator, everything frozen."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.generation import GenerateConfig
from wavbrivl.generate.conditions import read_conditions
from wavbrivl.generate.drawings import write_drawings
from wavbrivl.generate.load import for_study, load_generator
from wavbrivl.generate.repeat import draw_repeatedly
from wavbrivl.generate.study import study_of
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
        device = set_up(params.seed, threads=1)
        study = study_of(wildcards.study)
        config = for_study(GenerateConfig(**params.generate), wildcards.generator, study)
        generator = load_generator(
            wildcards.generator,
            Path(params.model),
            config,
            Path(inputs.teacher[0]).parent,
            Path(inputs.mappings),
            device,
        )
        conditions = read_conditions(Path(inputs.conditions))
        repeats = study.repeats or config.repeats
        drawings, trace = draw_repeatedly(generator, conditions, params.seed, repeats)
        named = {"study": wildcards.study, "about": study.about, **trace}
        write_drawings(Path(snakemake.output.images).parent, drawings, named)
