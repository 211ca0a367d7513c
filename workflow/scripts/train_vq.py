"""Train the VQ model whose latent is moved, on the training frames."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.generation import LatentConfig
from wavbrivl.generate.frames import Frames
from wavbrivl.generate.vq import train_vq
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        device = set_up(params.seed, threads=1)
        config = LatentConfig(**params.latent)
        frames = Frames.of_job(snakemake, config.image_size)
        train_vq(frames, config, Path(snakemake.output[0]).parent, params.seed, device)
