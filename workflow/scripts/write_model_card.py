"""Write the model card with everything that was measured."""

from pathlib import Path

from wavbrivl.train.card import gather, write_card
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        teacher = Path(snakemake.input.teacher).parent
        ledgers = [Path(path) for path in snakemake.input.ledgers]
        metrics = [Path(path) for path in snakemake.input.metrics]
        provenance = gather(snakemake.params.card, teacher, ledgers, metrics, snakemake.input.chosen)
        model = Path(snakemake.input.model[0]).parent
        write_card(Path(snakemake.output[0]), model, Path(snakemake.input.best), provenance)
