"""Figures of drawings: beside real frames, and from the classes' names."""

from pathlib import Path

from wavbrivl.publish.study_figures import classes_figure, text_figure
from wavbrivl.studies.folders import RealFrames, of_study, read_sets
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs = snakemake.input, snakemake.output
        sets = read_sets(Path(path) for path in inputs.drawings)
        drawn, texts = of_study(sets, "test"), of_study(sets, "text")
        title = "Drawn from held-out sounds, beside the frames of their own clips"
        classes_figure(Path(outputs.drawings), drawn, RealFrames(inputs.media), title)
        text_figure(Path(outputs.text), texts, snakemake.params.absent)
