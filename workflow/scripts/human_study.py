"""Write the folder for raters, and the key to their answers."""

from pathlib import Path

from wavbrivl.config.studies import HumanConfig
from wavbrivl.shards.reader import MediaShards
from wavbrivl.studies.folders import of_study, read_sets
from wavbrivl.studies.human.page import write_study
from wavbrivl.studies.human.pairs import choose_questions
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        config = HumanConfig(**params.human)
        systems = of_study(read_sets(Path(path) for path in inputs.drawings), "test")
        shards = MediaShards([Path(path) for path in inputs.media])
        place = {clip.clip_id: i for i, clip in enumerate(shards.clips)}
        write_study(
            folder=Path(snakemake.output.page),
            key=Path(snakemake.output.key),
            questions=choose_questions(systems, config.tests, config.questions, params.seed),
            systems=systems,
            sound=lambda clip: shards.audio(place[clip]),
            contact=config.contact,
            seed=params.seed,
        )
