"""Train a generator of somebody's own on the training frames."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.generation import OwnGeneratorConfig
from wavbrivl.generate.frames import Frames
from wavbrivl.generate.own import train_own
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        device = set_up(params.seed, threads=1)
        config = OwnGeneratorConfig(**params.own)
        frames = Frames.of_job(snakemake, config.image_size)
        folder = Path(snakemake.output[0]).parent
        train_own(snakemake.wildcards.own, config, frames, folder, params.seed, device)
