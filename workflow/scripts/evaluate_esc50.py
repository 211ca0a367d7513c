"""ESC-50 by its five official folds: an MLP head on each encoder, and zero-shot from label texts."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.esc50 import read_esc50, run_esc50
from wavbrivl.evaluate.items import write_items
from wavbrivl.evaluate.result import write_result
from wavbrivl.teacher.model import load_teacher
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        seed = snakemake.params.seed
        settings = EncoderSettings(set_up(seed, threads=1), seed, Path(snakemake.input.model).parent)
        teacher = load_teacher(Path(snakemake.input.teacher).parent, settings.device)
        benchmark = read_esc50(Path(snakemake.input.meta).parents[1], snakemake.params.dataset)
        config = EvaluateConfig(**snakemake.params.evaluate)
        items = {}
        places = {"esc50_zeroshot": snakemake.output.zeroshot[0]}
        for name, place in zip(snakemake.params.encoders, snakemake.output.metrics, strict=True):
            outcomes = run_esc50(
                benchmark,
                load_encoder(name, settings),
                config,
                seed,
                teacher,
                Path(snakemake.input.translations),
            )
            for result, scored in outcomes:
                write_result(Path(places.get(result.task, place)), result)
                items[result.task, result.encoder] = scored
        write_items(Path(snakemake.output.scores), items)
