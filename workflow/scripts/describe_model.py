"""Write the model card, as far as it can be written before anything is measured."""

from pathlib import Path

from wavbrivl.train.card import gather, write_card
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        teacher = Path(snakemake.input.teacher).parent
        ledgers = [Path(path) for path in snakemake.input.ledgers]
        provenance = gather(snakemake.params.card, teacher, ledgers, chosen=snakemake.input.chosen)
        model = Path(snakemake.input.model[0]).parent
        write_card(Path(snakemake.output[0]), model, Path(snakemake.input.best), provenance)
