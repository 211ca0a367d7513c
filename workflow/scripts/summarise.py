"""Write the main numbers in a few lines for the terminal, and all of them in one file for DVC."""

from pathlib import Path

from wavbrivl.files import write_json, write_text
from wavbrivl.publish.summary import numbers, summary
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        results = Path(snakemake.output.text).parent
        places = {
            "tables": results / "tables",
            "figures": results / "figures",
            "report": results / "report.html",
        }
        metrics = [Path(path) for path in snakemake.input.metrics]
        write_text(snakemake.output.text, summary(results.name, metrics, places) + "\n")
        write_json(snakemake.output.numbers, numbers(metrics))
