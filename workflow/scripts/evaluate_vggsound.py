"""The corpus's own classes, official train to test: an MLP head on each encoder, and zero-shot."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.corpus.ledger import coverage
from wavbrivl.evaluate.benchmark import EmbeddedBenchmark
from wavbrivl.evaluate.corpus_classes import embedded_split
from wavbrivl.evaluate.label_texts import read_labels
from wavbrivl.evaluate.matrix import read_matrix
from wavbrivl.evaluate.outcomes import of_corpus, write_outcomes
from wavbrivl.evaluate.result import Coverage
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        set_up(params.seed, threads=1)
        labels = read_labels(Path(inputs.labels))
        listed = Coverage(**coverage([Path(path) for path in inputs.ledgers]))
        folder = Path(inputs.matrices[0]).parents[1]
        splits: dict[str, dict[str, EmbeddedBenchmark]] = {name: {} for name in params.encoders}
        for name, parts in splits.items():
            for table in map(Path, inputs.rows):
                matrix = read_matrix(folder / table.stem / f"{name}.npz")
                parts[table.stem] = embedded_split(table, matrix, labels.labels, params.dataset, listed)
        supervised = read_matrix(Path(inputs.supervised[0])) if inputs.supervised else None
        config = EvaluateConfig(**params.evaluate)
        scores = Path(snakemake.output.scores)
        outcomes = of_corpus(splits, labels, supervised, config, params.seed)
        write_outcomes(outcomes, scores.parents[1], scores)
