"""Train the encoder's architecture from random weights on all folds but one, and test it on that one."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.datasets import LAYOUTS
from wavbrivl.evaluate.kinds import SUPERVISED
from wavbrivl.evaluate.matrix import Matrix, write_matrix
from wavbrivl.evaluate.supervised import logits_of, train_supervised
from wavbrivl.evaluate.supervised_data import corpus_parts, fold_parts
from wavbrivl.train.chosen import training_used
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
        device = set_up(params.seed, threads=1)
        config = EvaluateConfig(**params.evaluate)
        if wildcards.fold == "test":
            data = corpus_parts(Path(inputs.media[0]).parent, params.shards, [Path(p) for p in inputs.rows])
        else:
            benchmark = LAYOUTS[wildcards.dataset].read(Path(params.folder), params.name)
            data = fold_parts(benchmark, int(wildcards.fold))
        network = train_supervised(
            Path(inputs.model).parent,
            data.train,
            data.targets,
            data.classes,
            config.supervised,
            training_used(params.training, inputs.chosen),
            config.probe,
            params.seed,
            device,
        )
        logits = logits_of(network, data.test, config.batch_size)
        matrix = Matrix(SUPERVISED, data.tested, logits, exclusions=data.exclusions, parts=data.learnt)
        write_matrix(Path(snakemake.output[0]), matrix)
