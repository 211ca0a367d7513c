"""Make pages of tables and records for the report, and one of what each rule cost."""

from pathlib import Path

from wavbrivl.files import write_text
from wavbrivl.publish.pages import page, write_page
from wavbrivl.publish.resources import costs, resources_table
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
        for name, title in params.titles.items():
            write_page(Path(outputs[name]), title, Path(inputs[name]))
        body = resources_table(costs(Path(params.benchmarks)))
        write_text(Path(outputs.resources), page("time and memory by rule", body))
