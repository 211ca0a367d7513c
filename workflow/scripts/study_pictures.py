"""Figures of drawings: beside real frames, from chosen clips, from the classes' names."""

from pathlib import Path

from wavbrivl.publish.study_figures import classes_figure, clips_figure, text_figure
from wavbrivl.shards.reader import MediaShards
from wavbrivl.studies.folders import chosen_clips, of_study, read_sets
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
        shards = MediaShards([Path(path) for path in inputs.media])
        place = {clip.clip_id: i for i, clip in enumerate(shards.clips)}

        def frame(clip: str):
            """The clip's real frame, or None for a name that is no clip."""
            return shards.image(place[clip], 64) if clip in place else None

        sets = read_sets(Path(path) for path in inputs.drawings)
        drawn, texts = of_study(sets, "test"), of_study(sets, "text")
        title = "Drawn from held-out sounds, beside the frames of their own clips"
        classes_figure(Path(outputs.drawings), drawn, frame, title)
        clips = chosen_clips(list(drawn.values()), params.clips, params.seed)
        clips_figure(Path(outputs.clips), clips, drawn, frame, params.absent_sound)
        text_figure(Path(outputs.text), texts, params.absent_text)
