"""The corpus's own classes, official train to test: an MLP head on each encoder, and zero-shot."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.benchmark import EmbeddedBenchmark
from wavbrivl.evaluate.corpus_classes import embedded_split, listed_parts
from wavbrivl.evaluate.label_texts import LabelVectors, read_labels
from wavbrivl.evaluate.matrix import read_matrix
from wavbrivl.evaluate.outcomes import of_corpus, write_outcomes
from wavbrivl.evaluate.result import Part
from wavbrivl.workflow.job import job


def splits_of(
    name: str, folder: Path, labels: LabelVectors, listed: dict[str, Part]
) -> dict[str, EmbeddedBenchmark]:
    """Train, validation and test as one encoder hears them."""
    return {
        table.stem: embedded_split(
            table,
            read_matrix(folder / table.stem / f"{name}.npz"),
            labels.labels,
            snakemake.params.dataset,
            listed.get(table.stem),
        )
        for table in map(Path, snakemake.input.rows)
    }


if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        set_up(params.seed, threads=1)
        labels = read_labels(Path(inputs.labels))
        listed = listed_parts([Path(path) for path in inputs.ledgers])
        folder = Path(inputs.matrices[0]).parents[1]
        splits = (splits_of(name, folder, labels, listed) for name in params.encoders)
        supervised = read_matrix(Path(inputs.supervised[0])) if inputs.supervised else None
        config = EvaluateConfig(**params.evaluate)
        scores = Path(snakemake.output.scores)
        outcomes = of_corpus(splits, labels, supervised, config, params.seed)
        write_outcomes(outcomes, scores.parents[1], scores)
