"""A figure of detected events, sample captions, and all scores on Clotho in one table."""

from pathlib import Path

from wavbrivl.publish.caption_tables import write_samples, write_scores
from wavbrivl.publish.cells import collect
from wavbrivl.publish.event_figure import draw_events, read_events
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        outputs, seed = snakemake.output, snakemake.params.seed
        draw_events(
            Path(outputs.events),
            read_events(Path(snakemake.input.events)),
            snakemake.params.encoders[0],
            seed,
        )
        write_samples(Path(outputs.samples), Path(outputs.samples_md), Path(snakemake.input.captions), seed)
        results = collect(Path(path) for path in snakemake.input.metrics)
        write_scores(Path(outputs.scores), Path(outputs.scores_md), results)
