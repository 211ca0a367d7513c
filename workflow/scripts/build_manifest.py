"""Decide which clips there are, what split each belongs to and which shard holds it."""

from pathlib import Path

from wavbrivl.config.corpus import CorpusConfig
from wavbrivl.corpus.lists import ListSummary
from wavbrivl.corpus.manifest import build_manifest
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        build_manifest(
            config=CorpusConfig(**snakemake.params.corpus),
            summary=ListSummary(**snakemake.params.summary),
            seed=snakemake.params.seed,
            out_dir=Path(snakemake.output.summary).parent,
            paths=[Path(path) for path in snakemake.input.clip_list],
            world=Path(snakemake.input.clip_list[0]).parent,
        )
