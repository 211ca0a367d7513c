"""Train DALL·E's transformer on the tokens, embeddings and labels of the training frames."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.generation import DalleConfig
from wavbrivl.generate.dalle import train_transformer
from wavbrivl.generate.dvae import load_dvae
from wavbrivl.generate.frames import Frames
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        device = set_up(params.seed, threads=1)
        config = DalleConfig(**params.dalle)
        frames = Frames.of_job(snakemake, config.image_size)
        dvae = load_dvae(Path(inputs.dvae[0]).parent, device)
        train_transformer(frames, dvae, config, Path(snakemake.output[0]).parent, params.seed, device)
