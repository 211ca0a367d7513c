"""Does the judge's score of the accepted picture rise from round to round?"""

from pathlib import Path

from wavbrivl.evaluate.items import read_items
from wavbrivl.files import write_json
from wavbrivl.generate.drawings import read_trace
from wavbrivl.publish.study_figures import rounds_figure
from wavbrivl.studies.folders import key_of
from wavbrivl.studies.rounds import as_json, courses_of
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
        folders = [Path(path).parent for path in inputs.drawings]
        traces = {key_of(folder / "images.npy"): read_trace(folder) for folder in folders}
        judged = read_items([Path(inputs.judged)])
        rounds = read_items([Path(inputs.rounds)])
        courses = courses_of(judged, rounds, traces, params.bootstrap, params.seed)
        write_json(Path(outputs.numbers), as_json(courses))
        rounds_figure(Path(outputs.figure), courses)
