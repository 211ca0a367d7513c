"""Draw the classes' names under CLIP's score, to compare with what the teacher's text tower gives."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.generation import LatentConfig
from wavbrivl.generate.conditions import read_conditions
from wavbrivl.generate.drawings import write_drawings
from wavbrivl.generate.latent import load_latent
from wavbrivl.studies.clip import Clip, ClipGuide
from wavbrivl.studies.clip_conditions import in_clips_words
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        device = set_up(params.seed, threads=1)
        clip = Clip(Path(params.studies["clip"]), device, "studies.clip")
        folder = Path(next(iter(inputs.model), ".")).parent
        generator = load_latent(folder, ClipGuide(clip), LatentConfig(**params.latent), device)
        conditions = in_clips_words(read_conditions(Path(inputs.conditions)), clip, params.prompts)
        drawings, trace = generator.draw(conditions, params.seed)
        write_drawings(Path(snakemake.output[0]).parent, drawings, {**trace, "generator": "clip"})
