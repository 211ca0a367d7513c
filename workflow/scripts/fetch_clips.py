"""Fetch the videos of one shard, each once, and cut its clips out without re-encoding."""

from pathlib import Path

from wavbrivl.config import parse_config
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.sources import open_sources
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        corpus = Path(snakemake.output.clips).parents[1]
        # Waits, limits, cookies and proxies decide no byte: they are no parameters of the rule, so that
        # changing one runs no finished shard again.
        config = parse_config(snakemake.config)
        frozen = snakemake.params.frozen
        where = corpus / "archives"
        sources = (
            [] if frozen else open_sources(config.corpus.sources, config.fetch, where, config.corpus.vegas)
        )
        fetch_shard(
            manifest=Path(snakemake.input.manifest),
            tar=Path(snakemake.output.clips),
            ledger=Path(snakemake.output.ledger),
            # Outside the rule's outputs, which Snakemake deletes when a job fails.
            spool=corpus / "spool" / snakemake.wildcards.shard,
            sources=sources,
            fetch=config.fetch,
            keep_in=corpus / "fetched" if config.corpus.keep_clips else None,
            frozen=frozen,
        )
