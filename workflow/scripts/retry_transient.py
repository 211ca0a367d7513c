"""Have the next run ask again for the clips that are missing for a passing reason, and for no other."""

import logging
from pathlib import Path

from wavbrivl.config import parse_config
from wavbrivl.corpus.freeze import ask_again
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        config = parse_config(snakemake.config)
        corpus = Path(snakemake.params.corpus)
        counts = ask_again(corpus, snakemake.params.shards, config.corpus, config.fetch)
        logging.getLogger("wavbrivl").info(
            "%d clips of %d shards will be asked for again by the next run", sum(counts.values()), len(counts)
        )
