"""Write Tables 1 and 2: measured and published numbers in separate columns."""

from pathlib import Path

from wavbrivl.evaluate.items import read_items
from wavbrivl.publish.cells import collect
from wavbrivl.publish.differences import compare_all, write_differences
from wavbrivl.publish.tables import write_table1, write_table2
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        results = collect(Path(path) for path in snakemake.input.metrics)
        differences = compare_all(
            read_items(Path(path) for path in snakemake.input.scores),
            snakemake.params.bootstrap,
            snakemake.params.seed,
        )
        write_table1(Path(snakemake.output.table1), Path(snakemake.output.table1_md), results)
        write_table2(Path(snakemake.output.table2), Path(snakemake.output.table2_md), results, differences)
        write_differences(Path(snakemake.output.differences), differences)
