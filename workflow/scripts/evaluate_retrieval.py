"""Find images by sound and sounds by image among the clips of the test split."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.corpus.ledger import coverage
from wavbrivl.evaluate.cross_projection import cross_projection
from wavbrivl.evaluate.details import write_details
from wavbrivl.evaluate.gallery import load_gallery
from wavbrivl.evaluate.items import write_items
from wavbrivl.evaluate.matrix import read_matrix
from wavbrivl.evaluate.result import Coverage, write_result
from wavbrivl.evaluate.retrieval import run_retrieval
from wavbrivl.train.chosen import training_used
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params, seed = snakemake.input, snakemake.params, snakemake.params.seed
        set_up(seed, threads=1)
        config = EvaluateConfig(**params.evaluate)
        training = training_used(params.training, inputs.chosen)
        fit = cross_projection(training, config.retrieval.baseline_steps, seed)
        train, test = (
            load_gallery(None, Path(matrix), Path(rows))
            for matrix, rows in zip(inputs.matrices, inputs.rows, strict=True)
        )
        listed = Coverage(**coverage([Path(path) for path in inputs.ledgers]))
        folder = Path(inputs.sounds[0]).parents[1]
        items = {}
        for name, place in zip(params.encoders, snakemake.output.metrics, strict=True):
            sounds = {split: read_matrix(folder / split / f"{name}.npz") for split in ("train", "test")}
            found = run_retrieval(sounds, train, test, listed, config, seed, fit, params.dataset)
            write_result(Path(place), found.result)
            items[found.result.task, name] = found.items
            if name == "wavbrivl":
                write_details(Path(snakemake.output.details), test, found.sounds, seed)
        write_items(Path(snakemake.output.scores), items)
