"""Find images by sound and sounds by image among the clips of the test split."""

from functools import partial
from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.corpus_classes import listed_parts
from wavbrivl.evaluate.cross_projection import cross_projection
from wavbrivl.evaluate.details import write_details
from wavbrivl.evaluate.gallery import Gallery, load_gallery
from wavbrivl.evaluate.items import write_items
from wavbrivl.evaluate.matrix import Matrix, read_matrix
from wavbrivl.evaluate.result import write_result
from wavbrivl.evaluate.retrieval import run_retrieval
from wavbrivl.train.chosen import training_used
from wavbrivl.workflow.job import job


def train_split(sounds: Path, images: Path, rows: Path) -> tuple[Matrix, Gallery]:
    """One encoder's embeddings of the train split, and its gallery: gigabytes, so read where needed."""
    return read_matrix(sounds), load_gallery(None, images, rows)


if __name__ == "__main__":
    with job(snakemake):
        inputs, params, seed = snakemake.input, snakemake.params, snakemake.params.seed
        set_up(seed, threads=1)
        config = EvaluateConfig(**params.evaluate)
        fit = cross_projection(training_used(params.training, inputs.chosen), config.retrieval.baseline_steps)
        learnt, tested = zip(map(Path, inputs.matrices), map(Path, inputs.rows), strict=True)
        test = load_gallery(None, *tested)
        listed = listed_parts([Path(path) for path in inputs.ledgers])
        folder = Path(inputs.sounds[0]).parents[1]
        items = {}
        for name, place in zip(params.encoders, snakemake.output.metrics, strict=True):
            sounds = read_matrix(folder / f"test/{name}.npz")
            train = partial(train_split, folder / f"train/{name}.npz", *learnt)
            found = run_retrieval(sounds, test, train, listed, config, seed, fit, params.dataset)
            write_result(Path(place), found.result)
            items[found.result.task, name] = found.items
            if name == "wavbrivl":
                write_details(Path(snakemake.output.details), test, found.sounds, seed)
        write_items(Path(snakemake.output.scores), items)
