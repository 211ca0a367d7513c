"""Write Table 4 from the answers that raters exported, or say that there are none."""

from pathlib import Path

from wavbrivl.evaluate.result import write_result
from wavbrivl.publish.table4 import ROWS, SystemRow, write_table4
from wavbrivl.studies.human.answers import read_key, read_votes
from wavbrivl.studies.human.results import by_system, human_result
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
        votes = []
        if inputs.key:  # none where the corpus has no labels, by which questions are asked
            study, questions = read_key(Path(inputs.key))
            votes = read_votes([Path(path) for path in inputs.answers], study, questions)
        rows = [*ROWS, *(SystemRow(f"WavBriVL, {name}", name, None) for name in params.own)]
        write_table4(Path(outputs.csv), Path(outputs.md), by_system(votes), params.absent, rows)
        if votes:
            result = human_result(votes, questions, study, params.dataset, params.seed)
            write_result(Path(outputs.metrics[0]), result)
