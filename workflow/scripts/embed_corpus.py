"""Embed the sounds of every split of the corpus with one encoder."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig, ModelConfig
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.gallery import embed_split
from wavbrivl.evaluate.matrix import write_matrix
from wavbrivl.shards.reader import MediaShards
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        models = {key: ModelConfig(**model) for key, model in params.models.items()}
        folder = Path(snakemake.input.encoder[0]).parent if snakemake.input.get("encoder") else None
        settings = EncoderSettings(set_up(params.seed, threads=1), params.seed, folder, models=models)
        encoder = load_encoder(snakemake.wildcards.encoder, settings)
        batch_size = EvaluateConfig(**params.evaluate).batch_size
        media = Path(snakemake.input.media[0]).parent
        for (split, names), place in zip(params.shards.items(), snakemake.output, strict=True):
            shards = MediaShards([media / f"{name}.tar" for name in names])
            # Only what is searched needs to lie in the teacher's space.
            matrix = embed_split(shards, encoder, batch_size, split, projected=split == "test")
            write_matrix(Path(place), matrix)
