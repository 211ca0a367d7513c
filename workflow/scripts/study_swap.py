"""Do swapped sounds swap what is drawn?"""

from pathlib import Path

from wavbrivl.evaluate.items import read_items
from wavbrivl.evaluate.result import read_result, write_result
from wavbrivl.publish.study_figures import swap_figure
from wavbrivl.studies.folders import of_study, read_sets
from wavbrivl.studies.swap import STUDY, swap_result
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
        tables = read_items([Path(inputs.judged)])
        real = read_result(Path(inputs.real))
        result = swap_result(
            {generator: items for (study, generator), items in tables.items() if study == STUDY},
            str(real.settings["judge"]),
            real.classes or 1,
            real.dataset,
            real.coverage,
            params.bootstrap,
            params.seed,
        )
        write_result(Path(outputs.metrics), result)
        own = of_study(read_sets(Path(path) for path in inputs.own), "test")
        swapped = of_study(read_sets(Path(path) for path in inputs.swapped), STUDY)
        swap_figure(Path(outputs.figure), own, swapped, result)
