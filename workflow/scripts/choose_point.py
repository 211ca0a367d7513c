"""Compare all points of the grid search and make the best one the run's audio encoder."""

from pathlib import Path

from wavbrivl.corpus.ledger import coverage
from wavbrivl.publish.search import search_figure
from wavbrivl.train.export import export_model
from wavbrivl.train.search import adopt, choose, read_outcomes, write_points
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        output, params = snakemake.output, snakemake.params
        outcomes = read_outcomes([Path(path) for path in snakemake.input.results])
        chosen = choose(outcomes)
        write_points(Path(output.table), Path(output.text), outcomes, chosen)
        search_figure(Path(output.plot), outcomes, chosen)
        training = Path(output.best).parent
        adopt(chosen, training)
        export_model(
            training,
            Path(output.model[0]).parent,
            {
                "run": params.run,
                "seed": params.seed,
                "corpus": params.corpus,
                "coverage": coverage([Path(path) for path in snakemake.input.ledgers]),
                "teacher": params.teacher,
            },
        )
