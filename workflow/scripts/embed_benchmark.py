"""Embed a benchmark's sounds with one encoder."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig, ModelConfig
from wavbrivl.evaluate.benchmark import embed_benchmark
from wavbrivl.evaluate.datasets import LAYOUTS
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.matrix import write_matrix
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        params, (dataset, name) = snakemake.params, snakemake.wildcards
        benchmark = LAYOUTS[dataset].read(Path(params.folder), params.name)
        models = {key: ModelConfig(**model) for key, model in params.models.items()}
        folder = Path(snakemake.input.encoder[0]).parent if snakemake.input.get("encoder") else None
        settings = EncoderSettings(set_up(params.seed, threads=1), params.seed, folder, models=models)
        config = EvaluateConfig(**params.evaluate)
        matrix = embed_benchmark(benchmark, load_encoder(name, settings), config.batch_size)
        write_matrix(Path(snakemake.output[0]), matrix)
