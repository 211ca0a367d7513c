"""Write Tables 1 and 2: measured and published numbers in separate columns."""

from pathlib import Path

from wavbrivl.evaluate.items import read_items
from wavbrivl.publish.cells import Reasons, collect
from wavbrivl.publish.differences import compare_all, write_differences
from wavbrivl.publish.table1 import write_table1
from wavbrivl.publish.tables import write_table2
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        results = collect(Path(path) for path in snakemake.input.metrics)
        differences = compare_all(
            read_items(Path(path) for path in snakemake.input.scores),
            snakemake.params.bootstrap,
            snakemake.params.seed,
        )
        outputs, reasons = snakemake.output, Reasons(snakemake.params.absent, snakemake.params.unmeasured)
        write_table1(Path(outputs.table1), Path(outputs.table1_md), results, reasons)
        write_table2(Path(outputs.table2), Path(outputs.table2_md), results, differences, reasons)
        write_differences(Path(outputs.differences), differences)
