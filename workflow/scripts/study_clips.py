"""A figure of drawings from the sounds of chosen clips, below their real frames."""

from pathlib import Path

from wavbrivl.publish.study_figures import clips_figure
from wavbrivl.studies.folders import RealFrames, chosen_clips, of_study, read_sets
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        drawn = of_study(read_sets(Path(path) for path in inputs.drawings), "test")
        clips = chosen_clips(list(drawn.values()), params.clips, params.seed)
        clips_figure(Path(snakemake.output[0]), clips, drawn, RealFrames(inputs.media), params.absent)
