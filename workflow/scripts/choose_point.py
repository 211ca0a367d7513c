"""Compare all points of the grid search on validation and choose the best one."""

from pathlib import Path

from wavbrivl.publish.search import search_figure
from wavbrivl.train.search import choose, read_outcomes, write_points
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        output = snakemake.output
        outcomes = read_outcomes([Path(path) for path in snakemake.input.results])
        chosen = choose(outcomes)
        write_points(Path(output.table), Path(output.text), outcomes, chosen)
        search_figure(Path(output.plot), outcomes, chosen)
        chosen.write(Path(output.chosen))
