"""Embed the frames of some shards; goes on by shard where it was killed."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.teacher.embed import EmbedPlan, embed_part
from wavbrivl.teacher.model import load_teacher
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        out = Path(snakemake.output[0])
        device = set_up(params.seed)
        embed_part(
            tars=[Path(path) for path in inputs.media],
            teacher=load_teacher(Path(inputs.teacher[0]).parent, device, params.precision),
            plan=EmbedPlan(
                frames=params.frames,
                views=params.views,
                seed=params.seed,
                batch_size=params.batch_size,
                dtype=params.dtype,
                boxes=Path(inputs.boxes[0]).parent if inputs.boxes else None,
            ),
            out=out,
            spool=out.parent / ".spool",
            readers=max(2, snakemake.threads),
        )
