"""Choose the held-out sounds of every study and embed what is drawn from."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.gallery import load_gallery
from wavbrivl.generate.choose import HELD_OUT, Heard, choose
from wavbrivl.generate.conditions import write_conditions
from wavbrivl.generate.study import study_of
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.model import load_teacher
from wavbrivl.teacher.pairs import read_texts
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        device = set_up(params.seed, threads=1)
        teacher = load_teacher(Path(inputs.teacher[0]).parent, device)
        shards = MediaShards([Path(path) for path in inputs.media])
        heard = Heard(
            gallery=load_gallery(shards, Path(inputs.matrix), Path(inputs.rows)),
            sounds=shards,
            texts=read_texts(shards, teacher.language, HELD_OUT, wordless=True),
            encoder=load_encoder("wavbrivl", EncoderSettings(device, params.seed, Path(inputs.model).parent)),
            embed_texts=teacher.embed_texts,
            batch_size=params.batch_size,
        )
        for name, path in zip(params.studies, snakemake.output, strict=True):
            write_conditions(Path(path), choose(study_of(name), heard, params.clips, params.seed))
