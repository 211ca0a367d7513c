"""Train the embedded judge on the corpus's own train frames."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.studies import JudgeConfig
from wavbrivl.shards.reader import MediaShards
from wavbrivl.studies.frames import read_frames, read_truth
from wavbrivl.studies.judge import recipe_of
from wavbrivl.studies.network import save_classifier
from wavbrivl.studies.training import train_classifier
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        device = set_up(params.seed, threads=1)
        config = JudgeConfig(**params.judge)
        shards = MediaShards([Path(path) for path in inputs.media])
        truth = read_truth(Path(inputs.truth) if inputs.truth else None)
        frames = read_frames(shards, truth, config.frames_in_memory, params.seed)
        judge = train_classifier(frames, recipe_of(config), params.seed, device)
        save_classifier(Path(snakemake.output[0]).parent, judge, frames.clip_ids)
