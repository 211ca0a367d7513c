"""Write what this run was: configuration, versions, revision, machine, coverage."""

from pathlib import Path

from wavbrivl.corpus.ledger import coverage
from wavbrivl.files import read_json, write_json
from wavbrivl.workflow.job import job
from wavbrivl.workflow.record import run_record

if __name__ == "__main__":
    with job(snakemake):
        ledgers = [Path(path) for path in snakemake.input.ledgers]
        record = run_record(snakemake.params.config, Path.cwd())
        record["corpus"] = read_json(snakemake.input.manifest)
        record["coverage"] = {
            split: coverage([path for path in ledgers if path.name.startswith(f"{split}-")])
            for split in snakemake.params.shards
        }
        write_json(snakemake.output.record, record)
