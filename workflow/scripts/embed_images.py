"""Embed the frames of every split once, and measure the teacher on held-out frames."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.corpus.ledger import coverage
from wavbrivl.evaluate.gallery import load_gallery
from wavbrivl.evaluate.result import Coverage, write_result
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.embed import embed_shards
from wavbrivl.teacher.evaluate import teacher_metrics
from wavbrivl.teacher.model import load_teacher
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        teacher = load_teacher(Path(inputs.teacher[0]).parent, set_up(params.seed))
        media = Path(inputs.media[0]).parent
        splits = {
            split: MediaShards([media / f"{name}.tar" for name in names])
            for split, names in params.shards.items()
        }
        outputs = zip(snakemake.output.matrices, snakemake.output.rows, strict=True)
        for shards, (matrix, rows) in zip(splits.values(), outputs, strict=True):
            embed_shards(shards, teacher, Path(matrix), Path(rows), params.batch_size, params.dtype)

        # The last split is test: what the teacher never saw.
        gallery = load_gallery(
            splits["test"], Path(snakemake.output.matrices[-1]), Path(snakemake.output.rows[-1])
        )
        listed = Coverage(**coverage([Path(path) for path in inputs.ledgers]))
        config = EvaluateConfig(**params.evaluate)
        result = teacher_metrics(
            teacher, splits["test"], gallery, listed, config, params.seed, params.dataset
        )
        write_result(Path(snakemake.output.metrics), result)
