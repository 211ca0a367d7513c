"""What gain does to the embedding, to the score and to the drawing."""

from pathlib import Path

from wavbrivl.evaluate.items import read_items
from wavbrivl.evaluate.result import read_result, write_result
from wavbrivl.files import read_json
from wavbrivl.generate.conditions import read_conditions
from wavbrivl.publish.study_figures import volume_figure
from wavbrivl.studies.folders import of_study, read_sets
from wavbrivl.studies.volume import STUDY, volume_result
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
        tables = read_items([Path(inputs.judged)])
        real = read_result(Path(inputs.real))
        drawings = of_study(read_sets(Path(path) for path in inputs.drawings), STUDY)
        result = volume_result(
            read_conditions(Path(inputs.conditions)),
            drawings,
            {generator: items for (study, generator), items in tables.items() if study == STUDY},
            read_json(inputs.model)["loudness"],
            real.dataset,
            real.coverage,
            params.bootstrap,
            params.seed,
        )
        write_result(Path(outputs.metrics), result)
        volume_figure(Path(outputs.figure), drawings, result)
