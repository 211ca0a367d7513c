"""Train the classifier whose features FID, KID and Inception Score are computed on, on train frames."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.studies import FeaturesConfig
from wavbrivl.shards.reader import MediaShards
from wavbrivl.studies.extractors import features_recipe
from wavbrivl.studies.frames import read_frames
from wavbrivl.studies.network import save_classifier
from wavbrivl.studies.training import train_classifier
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        # Another seed than the judge's: two networks that agree should do so for the pictures' sake.
        seed = params.seed + 1
        device = set_up(seed, threads=1)
        shards = MediaShards([Path(path) for path in inputs.media])
        frames = read_frames(shards, {}, params.frames_in_memory, seed)
        recipe = features_recipe(FeaturesConfig(**params.features))
        classifier = train_classifier(frames, recipe, seed, device)
        save_classifier(Path(snakemake.output[0]).parent, classifier, frames.clip_ids)
