"""Count what there is of the corpus and what is missing, list the missing ids, draw it."""

import logging
from pathlib import Path

from wavbrivl.corpus.coverage import as_text, survey, write_coverage
from wavbrivl.files import read_json
from wavbrivl.publish.coverage import coverage_figure
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs = snakemake.input, snakemake.output
        counted = survey(
            [Path(path) for path in inputs.manifests],
            [Path(path) for path in inputs.ledgers],
            snakemake.params.splits,
            Path(outputs.missing),
        )
        report = write_coverage(Path(outputs.counts).parent, counted, read_json(inputs.summary))
        coverage_figure(Path(outputs.figure), report, counted.by_class)
        logging.getLogger("wavbrivl").info("%s", as_text(report))
