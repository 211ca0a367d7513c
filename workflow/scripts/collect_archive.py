"""Stream one archive of clips once, and keep the members that the manifests want, with an index."""

from pathlib import Path

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.archive import collect_archive
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        clips = Path(snakemake.output.clips)
        shared = clips.parents[1] / "spool"
        shared.mkdir(parents=True, exist_ok=True)
        collect_archive(
            path=snakemake.params.archive,
            manifests=[Path(path) for path in snakemake.input.manifests],
            clips=clips,
            fetch=FetchConfig(**snakemake.params.fetch),
            shared=shared,
        )
