"""Fit the maps from sounds and texts to images on train clips, and measure them on validation clips."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.generation import MappingConfig
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.gallery import load_gallery
from wavbrivl.generate.gap import embed_pairs, fit_and_measure
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.model import load_teacher
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        device = set_up(params.seed, threads=1)
        teacher = load_teacher(Path(inputs.teacher[0]).parent, device)
        encoder = load_encoder("wavbrivl", EncoderSettings(device, params.seed, Path(inputs.model).parent))
        media = Path(inputs.media[0]).parent
        pairs = {}
        for split, matrix, rows in zip(params.shards, inputs.matrices, inputs.rows, strict=True):
            shards = MediaShards([media / f"{name}.tar" for name in params.shards[split]])
            gallery = load_gallery(shards, Path(matrix), Path(rows))
            pairs[split] = embed_pairs(gallery, shards, split, encoder, teacher, params.batch_size)
        fit_and_measure(
            pairs["train"],
            pairs["validation"],
            MappingConfig(**params.mapping),
            Path(snakemake.output.maps),
            Path(snakemake.output.measured),
        )
