"""Decode the clips of one shard once: 16 kHz sound, square frames, quality columns."""

from pathlib import Path

from wavbrivl.config.corpus import MediaConfig
from wavbrivl.corpus.media import extract_shard
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        extract_shard(
            clips_tar=Path(snakemake.input.clips),
            clips_ledger=Path(snakemake.input.ledger),
            manifest=Path(snakemake.input.manifest),
            tar_out=Path(snakemake.output.media),
            ledger_out=Path(snakemake.output.ledger),
            media=MediaConfig(**snakemake.params.media),
            seed=snakemake.params.seed,
        )
