"""Detect events with one frame head on each encoder's frames; F1 by segments and by events."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import ModelConfig
from wavbrivl.config.events import DesedConfig, desed_folder
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.events.run import read_desed, run_desed, write_events
from wavbrivl.evaluate.items import write_items
from wavbrivl.evaluate.result import write_result
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        device = set_up(params.seed, threads=1)
        models = {name: ModelConfig(**model) for name, model in params.models.items()}
        settings = EncoderSettings(device, params.seed, Path(snakemake.input.model).parent, models=models)
        config = DesedConfig(**params.desed)
        desed = read_desed(desed_folder(snakemake.input.tables[0], config.parts[0]), config, params.dataset)
        items, reference, detected = {}, {}, {}
        for name, place in zip(params.encoders, snakemake.output.metrics, strict=True):
            found = run_desed(
                desed,
                load_encoder(name, settings),
                config,
                params.bootstrap,
                params.batch_size,
                params.seed,
                device,
                params.seeds,
            )
            write_result(Path(place), found.result)
            items[found.result.task, name] = found.items
            reference, detected[name] = found.reference, found.detected
        write_items(Path(snakemake.output.scores), items)
        write_events(Path(snakemake.output.events), reference, detected)
