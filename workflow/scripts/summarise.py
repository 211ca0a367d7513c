"""Write the main numbers in a few lines, for the terminal."""

from pathlib import Path

from wavbrivl.files import write_text
from wavbrivl.publish.summary import summary
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        results = Path(snakemake.output[0]).parent
        places = {
            "tables": results / "tables",
            "figures": results / "figures",
            "report": results / "report.html",
        }
        metrics = [Path(path) for path in snakemake.input.metrics]
        write_text(snakemake.output[0], summary(results.name, metrics, places) + "\n")
