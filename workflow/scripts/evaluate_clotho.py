"""Captions and retrieval by caption: a decoder on each encoder's frames, a text encoder beside each."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.captions import ClothoConfig
from wavbrivl.config.evaluation import ModelConfig
from wavbrivl.evaluate.captions import captioning
from wavbrivl.evaluate.captions.heard import listen, read_clotho
from wavbrivl.evaluate.captions.retrieval import run_retrieval
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.items import write_items
from wavbrivl.evaluate.result import write_result
from wavbrivl.teacher.model import load_teacher
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        params, outputs = snakemake.params, snakemake.output
        device = set_up(params.seed, threads=1)
        models = {name: ModelConfig(**model) for name, model in params.models.items()}
        settings = EncoderSettings(device, params.seed, Path(snakemake.input.model).parent, models=models)
        config = ClothoConfig(**params.clotho)
        teacher = None
        if snakemake.input.teacher:
            teacher = load_teacher(Path(snakemake.input.teacher[0]).parent, device)
        splits = read_clotho(Path(snakemake.input.captions[0]).parent)
        items, written, again = {}, {}, {}
        for name, place in zip(params.encoders, outputs.retrieval, strict=True):
            heard = listen(
                splits, load_encoder(name, settings), config.captioner.frame_seconds, params.batch_size
            )
            result, scored = run_retrieval(
                heard,
                config.retrieval,
                params.bootstrap,
                params.seed,
                params.dataset,
                params.language,
                teacher,
                device,
                params.seeds,
            )
            write_result(Path(place), result)
            items[result.task, name] = scored
            written[name], *again[name] = (
                captioning.write_with(heard, config.captioner, number, device)
                for number in range(params.seed, params.seed + params.seeds)
            )
        written[captioning.BASELINE] = captioning.write_one_for_all(heard)
        test = heard["evaluation"]
        measured = captioning.measure(
            written, test, config, params.bootstrap, params.seed, params.dataset, again
        )
        for place, (name, (result, scored)) in zip(outputs.captioning, measured.items(), strict=True):
            write_result(Path(place), result)
            items[result.task, name] = scored
        write_items(Path(outputs.scores), items)
        captioning.write_captions_table(Path(outputs.captions), test, written)
