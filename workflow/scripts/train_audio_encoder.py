"""Align the audio encoder with the frozen image embeddings; goes on where it was killed."""

from pathlib import Path

from wavbrivl.config.models import AudioEncoderConfig, TrainingConfig
from wavbrivl.shards.reader import MediaShards
from wavbrivl.train.export import export_model
from wavbrivl.train.loop import train_encoder
from wavbrivl.workflow.job import job


def shards(split: str) -> MediaShards:
    """The media shards of one split."""
    media = Path(snakemake.input.media[0]).parent
    return MediaShards([media / f"{name}.tar" for name in snakemake.params.shards[split]])


if __name__ == "__main__":
    with job(snakemake):
        splits = list(snakemake.params.shards)
        pairs = zip(snakemake.input.matrices, snakemake.input.rows, strict=True)
        training = Path(snakemake.output.best).parent
        train_encoder(
            train=shards("train"),
            validation=shards("validation"),
            embeddings={split: (Path(m), Path(r)) for split, (m, r) in zip(splits, pairs, strict=True)},
            audio=AudioEncoderConfig(**snakemake.params.audio_encoder),
            config=TrainingConfig(**snakemake.params.training),
            out=training,
            seed=snakemake.params.seed,
            teacher=snakemake.params.teacher,
            # A finished training is taken up again only by the code that made it.
            revision=snakemake.params.code,
        )
        teacher = Path(snakemake.input.teacher[0]).parent
        export_model(training, Path(snakemake.output.model[0]).parent, teacher)
