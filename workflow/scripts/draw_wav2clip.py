"""Draw the held-out sounds under CLIP's score, from Wav2CLIP's embeddings, to compare with WavBriVL."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.evaluation import ModelConfig
from wavbrivl.config.generation import LatentConfig
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.generate.conditions import read_conditions
from wavbrivl.generate.drawings import write_drawings
from wavbrivl.generate.latent import load_latent
from wavbrivl.shards.reader import MediaShards
from wavbrivl.studies.clip import Clip, ClipGuide
from wavbrivl.studies.clip_conditions import in_wav2clips_ears
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        device = set_up(params.seed, threads=1)
        config = LatentConfig(**params.latent)
        folder = Path(next(iter(inputs.model), ".")).parent
        models = {name: ModelConfig(**values) for name, values in params.models.items()}
        encoder = load_encoder("wav2clip", EncoderSettings(device, params.seed, models=models))
        shards = MediaShards([Path(path) for path in inputs.media])
        conditions = in_wav2clips_ears(
            read_conditions(Path(inputs.conditions)), shards, encoder, config.draw.items, params.batch_size
        )
        guide = ClipGuide(Clip(Path(params.studies["clip"]), device, "studies.clip"))
        generator = load_latent(folder, guide, config, device)
        drawings, trace = generator.draw(conditions, params.seed)
        write_drawings(Path(snakemake.output[0]).parent, drawings, {**trace, "generator": "wav2clip"})
