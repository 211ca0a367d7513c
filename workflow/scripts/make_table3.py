"""Write Table 3, with paired comparisons and what the other studies say."""

from pathlib import Path

from wavbrivl.config.studies import FeaturesConfig
from wavbrivl.evaluate.items import read_items
from wavbrivl.evaluate.result import read_result
from wavbrivl.files import read_json
from wavbrivl.publish.layout import NOT_IN_RUN
from wavbrivl.publish.table3 import rows_of, write_table3
from wavbrivl.studies.measure import PAIRS
from wavbrivl.studies.networks import absent_extractors
from wavbrivl.studies.rating import compare_drawings
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
        results = [read_result(Path(path)) for path in inputs.metrics]
        # A corpus without labels has nothing that a judge could say.
        tables = read_items([Path(path) for path in inputs.judged])
        by_set = {(generator, study): items for (study, generator), items in tables.items()}
        features = FeaturesConfig(**params.features)
        courses = [course for path in inputs.rounds for course in read_json(Path(path))["courses"]]
        write_table3(
            Path(outputs.csv),
            Path(outputs.md),
            {result.task: result for result in results},
            rows_of(params.sets),
            params.extractors,
            absent_extractors(features),
            compare_drawings(by_set, PAIRS, params.bootstrap, params.seed),
            [course["says"] for course in courses],
            params.unmeasured or NOT_IN_RUN,
        )
