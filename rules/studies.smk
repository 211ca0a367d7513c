"""Studies on drawn pictures: volume, swapped sounds, rounds of guided drawing, the pictures of the report.

needs   the drawings of every set (generate.smk), the judge (judge.smk)
makes   results/<run>/studies/                       rounds.json
        results/<run>/metrics/swap.json, volume.json
        results/<run>/figures/*.png
"""


rule studies:
    """Tables 3 and 4, every study's metrics and figures, and the folder for raters."""
    input:
        STUDY_METRICS,
        STUDY_FIGURES,
        multiext(f"{RESULTS}/tables/", "table3.csv", "table3.md", "table4.csv", "table4.md"),
        f"{RESULTS}/human_study",


rule generate:
    """Every generator's pictures of held-out sounds, of its control and of label texts; all studies on them."""
    input:
        [drawings(GENERATE, study) for study in ("test", "control", "text")],
        f"{GENERATE}/mapping/mapping.json",
        rules.studies.input,


rule draw_clip_texts:
    """Draw the classes' names under CLIP's score instead of the teacher's."""
    input:
        conditions=f"{GENERATE}/conditions/text.npz",
        model=trained_files(GENERATE, CONFIG, "latent"),
        clip=fetched(CONFIG.studies.clip),
    output:
        [f"{GENERATE}/clip/drawings/text/{name}" for name in DRAWING_FILES],
    log:
        f"{LOGS}/draw_clip_texts.log",
    benchmark:
        f"{BENCHMARKS}/draw_clip_texts.tsv"
    conda:
        "../envs/generate.yaml"
    threads: 2
    resources:
        mem_mb=scaled(6000),
        runtime=scaled(12 * 60),
        gpu=1,
    params:
        **settings("seed"),
        studies={"clip": CONFIG.studies.clip},
        prompts=CONFIG.studies.judge.prompts,
        latent=settings("generate")["generate"]["latent"],
        code=code_digest("wavbrivl.studies.clip_conditions", "wavbrivl.generate.latent"),
    script:
        "../workflow/scripts/draw_clip_texts.py"


rule draw_wav2clip:
    """Draw the held-out sounds under CLIP's score, from Wav2CLIP's embeddings."""
    input:
        conditions=f"{GENERATE}/conditions/test.npz",
        media=shard_files("media/{shard}.tar", ["test"]),
        index=shard_files("media/{shard}.index.json", ["test"]),
        model=trained_files(GENERATE, CONFIG, "latent"),
        clip=fetched(CONFIG.studies.clip),
    output:
        [f"{GENERATE}/wav2clip/drawings/test/{name}" for name in DRAWING_FILES],
    log:
        f"{LOGS}/draw_wav2clip.log",
    benchmark:
        f"{BENCHMARKS}/draw_wav2clip.tsv"
    conda:
        "../envs/generate.yaml"
    threads: 2
    resources:
        mem_mb=scaled(6000),
        runtime=scaled(12 * 60),
        gpu=1,
    params:
        **settings("seed"),
        studies={"clip": CONFIG.studies.clip},
        models={name: one.model_dump(mode="json") for name, one in CONFIG.evaluate.models.items()},
        batch_size=CONFIG.evaluate.batch_size,
        latent=settings("generate")["generate"]["latent"],
        code=code_digest(
            "wavbrivl.studies.clip_conditions",
            "wavbrivl.generate.latent",
            "wavbrivl.evaluate.encoders.wav2clip",
        ),
    script:
        "../workflow/scripts/draw_wav2clip.py"


rule study_swap:
    """Do swapped sounds swap what is drawn?"""
    input:
        own=drawn(GENERATE, SETS, "test"),
        swapped=drawn(GENERATE, SETS, "swap"),
        judged=f"{STUDIED}/drawings.items.csv",
        real=f"{RESULTS}/metrics/vegas_real.json",
    output:
        metrics=f"{RESULTS}/metrics/swap.json",
        figure=report(
            f"{PICTURES}/swap.png",
            caption="../workflow/report/swap.rst",
            category="Drawings",
            labels={"figure": "swapped sounds"},
        ),
    log:
        f"{LOGS}/study_swap.log",
    benchmark:
        f"{BENCHMARKS}/study_swap.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        **settings("seed"),
        bootstrap=CONFIG.evaluate.bootstrap,
        code=code_digest("wavbrivl.studies.swap", "wavbrivl.publish.study_figures"),
    script:
        "../workflow/scripts/study_swap.py"


rule study_volume:
    """The same sounds at several gains: embedding, score and drawing."""
    input:
        drawings=drawn(GENERATE, SETS, "volume"),
        conditions=f"{GENERATE}/conditions/volume.npz",
        judged=f"{STUDIED}/drawings.items.csv",
        real=f"{RESULTS}/metrics/vegas_real.json",
    output:
        metrics=f"{RESULTS}/metrics/volume.json",
        figure=report(
            f"{PICTURES}/volume.png",
            caption="../workflow/report/volume.rst",
            category="Drawings",
            labels={"figure": "sound volume"},
        ),
    log:
        f"{LOGS}/study_volume.log",
    benchmark:
        f"{BENCHMARKS}/study_volume.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        **settings("seed"),
        bootstrap=CONFIG.evaluate.bootstrap,
        loudness=CONFIG.audio_encoder.loudness,
        code=code_digest("wavbrivl.studies.volume", "wavbrivl.publish.study_figures"),
    script:
        "../workflow/scripts/study_volume.py"


rule study_rounds:
    """The judge's score of the accepted picture by round, beside best of as many candidates at once."""
    input:
        drawings=drawn(GENERATE, SETS, "test", "guide_only"),
        judged=f"{STUDIED}/drawings.items.csv",
        rounds=f"{STUDIED}/rounds.items.csv",
    output:
        numbers=f"{STUDIED}/rounds.json",
        figure=report(
            f"{PICTURES}/rounds.png",
            caption="../workflow/report/rounds.rst",
            category="Drawings",
            labels={"figure": "score by round"},
        ),
    log:
        f"{LOGS}/study_rounds.log",
    benchmark:
        f"{BENCHMARKS}/study_rounds.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        **settings("seed"),
        bootstrap=CONFIG.evaluate.bootstrap,
        code=code_digest("wavbrivl.studies.rounds", "wavbrivl.publish.study_figures"),
    script:
        "../workflow/scripts/study_rounds.py"


rule study_pictures:
    """Drawings of every class beside real frames, of chosen clips, and from the classes' names."""
    input:
        drawings=[*drawn(GENERATE, SETS, "test", "text"), *CLIP_TEXTS, *WAV2CLIP_SOUNDS],
        media=shard_files("media/{shard}.tar", ["test"]),
        index=shard_files("media/{shard}.index.json", ["test"]),
    output:
        drawings=report(
            f"{PICTURES}/drawings.png",
            caption="../workflow/report/drawings.rst",
            category="Drawings",
            labels={"figure": "drawings beside real frames"},
        ),
        clips=report(
            f"{PICTURES}/clips.png",
            caption="../workflow/report/clips.rst",
            category="Drawings",
            labels={"figure": "clips (the paper's Figure 5)"},
        ),
        text=report(
            f"{PICTURES}/text.png",
            caption="../workflow/report/text.rst",
            category="Drawings",
            labels={"figure": "from text (the paper's Figure 2)"},
        ),
    log:
        f"{LOGS}/study_pictures.log",
    benchmark:
        f"{BENCHMARKS}/study_pictures.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        **settings("seed"),
        clips=CONFIG.studies.clips,
        absent_sound=WAV2CLIP and f"Wav2CLIP: {WAV2CLIP}",
        absent_text=CLIP and f"with a CLIP teacher: {CLIP}",
        code=code_digest("wavbrivl.studies.folders", "wavbrivl.publish.study_figures"),
    script:
        "../workflow/scripts/study_pictures.py"
