"""Fetch the videos of one shard, each once, and cut its clips out without re-encoding."""

from pathlib import Path

from wavbrivl.config.corpus import FetchConfig, Source
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.sources import open_sources
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        corpus = Path(snakemake.output.clips).parents[1]
        fetch = FetchConfig(**snakemake.params.fetch)
        fetch_shard(
            manifest=Path(snakemake.input.manifest),
            tar=Path(snakemake.output.clips),
            ledger=Path(snakemake.output.ledger),
            # Outside the rule's outputs, which Snakemake deletes when a job fails.
            spool=corpus / "spool" / snakemake.wildcards.shard,
            sources=open_sources(
                [Source(**source) for source in snakemake.params.sources], fetch, corpus / "archives"
            ),
            fetch=fetch,
        )
