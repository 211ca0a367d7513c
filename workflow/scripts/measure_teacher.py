"""Measure the teacher itself on held-out frames."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.corpus.ledger import coverage
from wavbrivl.evaluate.gallery import load_gallery
from wavbrivl.evaluate.result import Coverage, write_result
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.evaluate import teacher_metrics
from wavbrivl.teacher.model import load_teacher
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        teacher = load_teacher(Path(inputs.teacher[0]).parent, set_up(params.seed, threads=1))
        test = MediaShards([Path(path) for path in inputs.media])
        result = teacher_metrics(
            teacher,
            test,
            load_gallery(test, Path(inputs.matrix), Path(inputs.rows)),
            Coverage(**coverage([Path(path) for path in inputs.ledgers])),
            EvaluateConfig(**params.evaluate),
            params.seed,
            params.dataset,
        )
        write_result(Path(snakemake.output[0]), result)
