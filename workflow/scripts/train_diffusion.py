"""Train the diffusion model on the training frames, under the teacher's embeddings of them."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.generation import DiffusionConfig
from wavbrivl.generate.diffusion import train_diffusion
from wavbrivl.generate.frames import Frames
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        device = set_up(params.seed, threads=1)
        config = DiffusionConfig(**params.diffusion)
        frames = Frames.of_job(snakemake, config.image_size)
        train_diffusion(frames, config, Path(snakemake.output[0]).parent, params.seed, device)
