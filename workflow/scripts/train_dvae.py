"""Train DALL·E's discrete VAE on the training frames."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.generation import DalleConfig
from wavbrivl.generate.dvae import train_dvae
from wavbrivl.generate.frames import Frames
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        device = set_up(params.seed, threads=1)
        config = DalleConfig(**params.dalle)
        frames = Frames.of_job(snakemake, config.image_size)
        train_dvae(frames, config, Path(snakemake.output[0]).parent, params.seed, device)
