"""Find images by sound and sounds by image among the clips of the test split."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.config.models import TrainingConfig
from wavbrivl.corpus.ledger import coverage
from wavbrivl.evaluate.cross_projection import cross_projection
from wavbrivl.evaluate.details import write_details
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.gallery import Gallery, load_gallery
from wavbrivl.evaluate.items import write_items
from wavbrivl.evaluate.result import Coverage, write_result
from wavbrivl.evaluate.retrieval import run_retrieval
from wavbrivl.shards.reader import MediaShards
from wavbrivl.workflow.job import job


def gallery(split: str) -> Gallery:
    """The clips of one split with their image embeddings."""
    media = Path(snakemake.input.media[0]).parent
    shards = MediaShards([media / f"{name}.tar" for name in snakemake.params.shards[split]])
    place = list(snakemake.params.shards).index(split)
    return load_gallery(shards, Path(snakemake.input.matrices[place]), Path(snakemake.input.rows[place]))


if __name__ == "__main__":
    with job(snakemake):
        seed = snakemake.params.seed
        settings = EncoderSettings(set_up(seed, threads=1), seed, Path(snakemake.input.model).parent)
        config = EvaluateConfig(**snakemake.params.evaluate)
        training = TrainingConfig(**snakemake.params.training)
        train, test = gallery("train"), gallery("test")
        listed = Coverage(**coverage([Path(path) for path in snakemake.input.ledgers]))
        items = {}
        for name, place in zip(snakemake.params.encoders, snakemake.output.metrics, strict=True):
            found = run_retrieval(
                load_encoder(name, settings),
                train,
                test,
                listed,
                config,
                seed,
                fit=cross_projection(training, config.retrieval.baseline_steps, seed),
                dataset=snakemake.params.dataset,
            )
            write_result(Path(place), found.result)
            items[found.result.task, name] = found.items
            if name == "wavbrivl":
                write_details(Path(snakemake.output.details), test, found.sounds, seed)
        write_items(Path(snakemake.output.scores), items)
