"""Ask the teacher's text tower for every label of every dataset, in all templates."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.corpus_classes import corpus_labels
from wavbrivl.evaluate.datasets import LAYOUTS
from wavbrivl.evaluate.label_texts import embed_labels, write_labels
from wavbrivl.teacher.model import load_teacher
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        teacher = load_teacher(Path(inputs.teacher[0]).parent, set_up(params.seed, threads=1))
        templates = EvaluateConfig(**params.evaluate).prompts.get(teacher.language, [])
        tables, words = list(inputs.tables), [*inputs.words, inputs.corpus_words]
        for i, (dataset, place) in enumerate(zip(params.datasets, snakemake.output, strict=True)):
            if dataset in LAYOUTS:
                labels = LAYOUTS[dataset].read(Path(tables[i]).parents[1], dataset).labels
            else:
                labels = corpus_labels([Path(path) for path in inputs.rows])
            write_labels(Path(place), embed_labels(labels, teacher, templates, Path(words[i])))
