"""Pictures from sound: three generators, trained on train clips, and what they draw for each study.

needs   media shards, image embeddings, the teacher, the exported audio encoder
makes   results/<run>/generate/<generator>/model/              what was trained
        results/<run>/generate/mapping/                        from sounds and texts to images
        results/<run>/generate/conditions/<study>.npz          what a study draws from
        results/<run>/generate/<generator>/drawings/<study>/   pictures, their rows, trace and grid
"""

from wavbrivl.generate.study import GENERATORS, STUDIES
from wavbrivl.workflow.generation import drawing_settings, drawings, trained_files, training_settings

GENERATE = f"{RESULTS}/generate"
TEACHER_FILES = multiext(f"{RESULTS}/teacher/", "config.json", "model.safetensors", "vocab.txt")
DALLE_MODEL = f"{GENERATE}/dalle/model"
TRAIN_FRAMES = {
    "media": shard_files("media/{shard}.tar", ["train"]),
    "index": shard_files("media/{shard}.index.json", ["train"]),
    "matrix": f"{RESULTS}/embeddings/train.npy",
    "rows": f"{RESULTS}/embeddings/train.csv",
}
TRAIN_SETTINGS = {
    **settings("seed"),
    "language": CONFIG.teacher.language,
    "frames_in_memory": CONFIG.generate.frames_in_memory,
}


wildcard_constraints:
    generator="|".join(GENERATORS),
    study="|".join(STUDIES),


rule generate:
    """Every generator's pictures of the held-out sounds, of its control and of the label texts."""
    input:
        [drawings(GENERATE, study) for study in ("test", "control", "text")],
        f"{GENERATE}/mapping/mapping.json",


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
    conda:
        "../envs/generate.yaml"
    threads: 2
    resources:
        mem_mb=scaled(4000),
        runtime=24 * 60,
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
        teacher=TEACHER_FILES,
        dvae=multiext(f"{DALLE_MODEL}/dvae/", "config.json", "model.safetensors"),
    output:
        multiext(f"{DALLE_MODEL}/transformer/", "config.json", "model.safetensors", "training.jsonl"),
    log:
        f"{LOGS}/train_dalle.log",
    benchmark:
        f"{BENCHMARKS}/train_dalle.tsv"
    conda:
        "../envs/generate.yaml"
    threads: 2
    resources:
        mem_mb=scaled(4000),
        runtime=3 * 24 * 60,
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
    threads: 2
    resources:
        mem_mb=scaled(4000),
        runtime=3 * 24 * 60,
        gpu=1,
    params:
        **TRAIN_SETTINGS,
        **FRAME_SETTINGS,
        diffusion=training_settings(CONFIG, "diffusion"),
        latent=training_settings(CONFIG, "latent"),
        code=code_digest("wavbrivl.generate.vq"),
    script:
        "../workflow/scripts/train_vq.py"


rule fit_mapping:
    """Fit the maps from sounds and texts to images on train clips, and measure them on validation clips."""
    input:
        media=shard_files("media/{shard}.tar", ["train", "validation"]),
        index=shard_files("media/{shard}.index.json", ["train", "validation"]),
        matrices=expand(f"{RESULTS}/embeddings/{{split}}.npy", split=["train", "validation"]),
        rows=expand(f"{RESULTS}/embeddings/{{split}}.csv", split=["train", "validation"]),
        teacher=TEACHER_FILES,
        model=f"{RESULTS}/model/model.safetensors",
    output:
        maps=f"{GENERATE}/mapping/mapping.npz",
        measured=f"{GENERATE}/mapping/mapping.json",
    log:
        f"{LOGS}/fit_mapping.log",
    benchmark:
        f"{BENCHMARKS}/fit_mapping.tsv"
    conda:
        "../envs/generate.yaml"
    threads: 2
    resources:
        mem_mb=scaled(4000),
        runtime=12 * 60,
        gpu=1,
    params:
        **settings("seed"),
        mapping=settings("generate")["generate"]["mapping"],
        batch_size=CONFIG.evaluate.batch_size,
        shards={split: PLAN.shards[split] for split in ["train", "validation"]},
        code=code_digest("wavbrivl.generate.gap"),
    script:
        "../workflow/scripts/fit_mapping.py"


rule choose_conditions:
    """Choose the held-out sounds of a study and embed what is drawn from."""
    input:
        media=shard_files("media/{shard}.tar", ["test"]),
        index=shard_files("media/{shard}.index.json", ["test"]),
        matrix=f"{RESULTS}/embeddings/test.npy",
        rows=f"{RESULTS}/embeddings/test.csv",
        teacher=TEACHER_FILES,
        model=f"{RESULTS}/model/model.safetensors",
    output:
        f"{GENERATE}/conditions/{{study}}.npz",
    log:
        f"{LOGS}/choose_conditions/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/choose_conditions/{{study}}.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(3000),
        runtime=120,
        gpu=1,
    params:
        **settings("seed"),
        clips=CONFIG.generate.items,
        batch_size=CONFIG.evaluate.batch_size,
        code=code_digest("wavbrivl.generate.choose"),
    script:
        "../workflow/scripts/choose_conditions.py"


rule draw:
    """Draw a study's conditions with one generator, everything frozen."""
    input:
        model=lambda wildcards: trained_files(GENERATE, CONFIG, wildcards.generator),
        teacher=TEACHER_FILES,
        mappings=f"{GENERATE}/mapping/mapping.npz",
        conditions=f"{GENERATE}/conditions/{{study}}.npz",
    output:
        images=f"{GENERATE}/{{generator}}/drawings/{{study}}/images.npy",
        rounds=f"{GENERATE}/{{generator}}/drawings/{{study}}/rounds.npy",
        rows=f"{GENERATE}/{{generator}}/drawings/{{study}}/rows.csv",
        trace=f"{GENERATE}/{{generator}}/drawings/{{study}}/trace.json",
        grid=f"{GENERATE}/{{generator}}/drawings/{{study}}/grid.png",
    log:
        f"{LOGS}/draw/{{generator}}-{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/draw/{{generator}}-{{study}}.tsv"
    conda:
        "../envs/generate.yaml"
    threads: 2
    resources:
        mem_mb=scaled(4000),
        runtime=24 * 60,
        gpu=1,
    params:
        **settings("seed"),
        generate=lambda wildcards: drawing_settings(CONFIG, wildcards.generator),
        model=lambda wildcards: f"{GENERATE}/{wildcards.generator}/model",
        code=code_digest("wavbrivl.generate.load", "wavbrivl.generate.repeat"),
    script:
        "../workflow/scripts/draw.py"
