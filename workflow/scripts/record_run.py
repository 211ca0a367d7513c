"""Write what this run was: configuration, versions, revision, machine, coverage."""

from pathlib import Path

from wavbrivl.files import read_json, write_json
from wavbrivl.workflow.job import job
from wavbrivl.workflow.record import run_record

if __name__ == "__main__":
    with job(snakemake):
        record = run_record(snakemake.params.config, Path.cwd())
        record["corpus"] = read_json(snakemake.input.manifest)
        record["coverage"] = read_json(snakemake.input.coverage)["splits"]
        write_json(snakemake.output.record, record)
