"""A benchmark by its official folds: an MLP head on each encoder, and zero-shot from label texts."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.datasets import LAYOUTS
from wavbrivl.evaluate.label_texts import read_labels
from wavbrivl.evaluate.matrix import read_matrix
from wavbrivl.evaluate.outcomes import of_benchmark, write_outcomes
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params, dataset = snakemake.input, snakemake.params, snakemake.wildcards.dataset
        set_up(params.seed, threads=1)
        outcomes = of_benchmark(
            LAYOUTS[dataset].read(Path(params.folder), params.name),
            dataset,
            [read_matrix(Path(path)) for path in inputs.matrices],
            read_labels(Path(inputs.labels)),
            [read_matrix(Path(path)) for path in inputs.supervised],
            EvaluateConfig(**params.evaluate),
            params.seed,
        )
        scores = Path(snakemake.output.scores)
        write_outcomes(outcomes, scores.parents[1], scores)
