"""The generators of pictures, trained on the frames of train clips.

needs   media shards and image embeddings of the train split
makes   results/<run>/generate/dalle/model/       dvae/ and transformer/
        results/<run>/generate/diffusion/model/   a pipeline in diffusers' layout
        results/<run>/generate/latent/model/      a VQ model in diffusers' layout
"""

from wavbrivl.generate.trained import TRAINED
from wavbrivl.workflow.foreign import generator_modules
from wavbrivl.workflow.generation import generators_of, latent_files, training_settings

GENERATE = f"{RESULTS}/generate"
ALL_GENERATORS = generators_of(CONFIG)
OWN_CODE = {name: foreign_digest(module) for name, module in generator_modules(CONFIG.generate.own).items()}
DALLE_MODEL = f"{GENERATE}/dalle/model"
# Two trainings and a drawing, one after the other: the longest chain of the stage begins first.
DALLE_FIRST = 1
TRAIN_FRAMES = {
    "media": media_lists(["train"]),
    "matrix": f"{RESULTS}/embeddings/train.npy",
    "rows": f"{RESULTS}/embeddings/train.csv",
}
TRAIN_SETTINGS = {
    **settings("seed"),
    "language": CONFIG.teacher.language,
    "frames_in_memory": CONFIG.generate.frames_in_memory,
}


rule train_dvae:
    """Train DALL·E's discrete VAE on the training frames."""
    input:
        **TRAIN_FRAMES,
    output:
        multiext(f"{DALLE_MODEL}/dvae/", "config.json", "model.safetensors", "training.jsonl"),
    log:
        f"{LOGS}/train_dvae.log",
    benchmark:
        f"{BENCHMARKS}/train_dvae.tsv"
    priority: DALLE_FIRST
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(24 * 60),
        gpu=1,
    params:
        **TRAIN_SETTINGS,
        dalle=training_settings(CONFIG, "dalle", "image_size", "dvae"),
        code=code_digest("wavbrivl.generate.dvae"),
    script:
        "../workflow/scripts/train_dvae.py"


rule train_dalle:
    """Train DALL·E's transformer on tokens, embeddings and labels of the training frames."""
    input:
        **TRAIN_FRAMES,
        dvae=multiext(f"{DALLE_MODEL}/dvae/", "config.json", "model.safetensors"),
    output:
        multiext(
            f"{DALLE_MODEL}/transformer/", "config.json", "model.safetensors", "vocab.txt", "training.jsonl"
        ),
    log:
        f"{LOGS}/train_dalle.log",
    benchmark:
        f"{BENCHMARKS}/train_dalle.tsv"
    priority: DALLE_FIRST
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(3 * 24 * 60),
        gpu=1,
    params:
        **TRAIN_SETTINGS,
        dalle=training_settings(CONFIG, "dalle"),
        code=code_digest("wavbrivl.generate.dalle"),
    script:
        "../workflow/scripts/train_dalle.py"


rule train_diffusion:
    """Train the diffusion model on the training frames, under the teacher's embeddings of them."""
    input:
        **TRAIN_FRAMES,
    output:
        [
            f"{GENERATE}/diffusion/model/{name}"
            for name in (
                "model_index.json",
                "unet/config.json",
                "unet/diffusion_pytorch_model.safetensors",
                "sketch/config.json",
                "sketch/diffusion_pytorch_model.safetensors",
                "sketch/training.jsonl",
                "scheduler/scheduler_config.json",
                "training.jsonl",
            )
        ],
    log:
        f"{LOGS}/train_diffusion.log",
    benchmark:
        f"{BENCHMARKS}/train_diffusion.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(3 * 24 * 60),
        gpu=1,
    params:
        **TRAIN_SETTINGS,
        diffusion=training_settings(CONFIG, "diffusion"),
        code=code_digest("wavbrivl.generate.diffusion"),
    script:
        "../workflow/scripts/train_diffusion.py"


rule train_vq:
    """Train the VQ model whose latent is moved, on the training frames."""
    input:
        **TRAIN_FRAMES,
    output:
        [f"{GENERATE}/latent/model/{name}" for name in latent_files(CONFIG)],
    log:
        f"{LOGS}/train_vq.log",
    benchmark:
        f"{BENCHMARKS}/train_vq.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(24 * 60),
        gpu=1,
    params:
        **TRAIN_SETTINGS,
        latent=training_settings(CONFIG, "latent"),
        code=code_digest("wavbrivl.generate.vq"),
    script:
        "../workflow/scripts/train_vq.py"


if CONFIG.generate.own:

    rule train_own_generator:
        """Train a generator of somebody's own on the training frames."""
        input:
            **TRAIN_FRAMES,
        output:
            f"{GENERATE}/{{own}}/model/{TRAINED}",
        log:
            f"{LOGS}/train_own_generator/{{own}}.log",
        benchmark:
            f"{BENCHMARKS}/train_own_generator/{{own}}.tsv"
        wildcard_constraints:
            own="|".join(CONFIG.generate.own),
        conda:
            "../envs/generate.yaml"
        resources:
            mem_mb=scaled(4000),
            runtime=scaled(24 * 60),
            gpu=1,
        params:
            **TRAIN_SETTINGS,
            own=lambda wildcards: CONFIG.generate.own[wildcards.own].model_dump(mode="json"),
            code=code_digest("wavbrivl.generate.own"),
            own_code=lambda wildcards: OWN_CODE[wildcards.own],
        script:
            "../workflow/scripts/train_own_generator.py"
