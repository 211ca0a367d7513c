"""Draw what the classification tasks confuse, how well each class is known, and how far seeds matter."""

from pathlib import Path

from wavbrivl.evaluate.items import read_items
from wavbrivl.evaluate.places import TRAINED
from wavbrivl.publish.cells import collect
from wavbrivl.publish.class_figures import class_bars, confusion_matrix
from wavbrivl.publish.seed_figure import seed_plot
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        outputs, params = snakemake.output, snakemake.params
        results = collect(Path(path) for path in snakemake.input.metrics)
        for task, path in zip(params.tasks, snakemake.input.scores, strict=True):
            items = read_items([Path(path)])
            by_encoder = {encoder: scored for (name, encoder), scored in items.items() if name == task}
            labels = sorted(set(by_encoder[TRAINED].label))
            score, title = params.scores[task], params.titles[task]
            confusion_matrix(Path(outputs[f"{task}_confusion"]), by_encoder[TRAINED], labels, title)
            chance = results[TRAINED, task].metrics[score].chance
            class_bars(Path(outputs[f"{task}_classes"]), by_encoder, score, title, chance)
        seed_plot(Path(outputs.seeds), results)
