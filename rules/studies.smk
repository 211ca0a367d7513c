"""The studies on drawn pictures: judges, Table 3, volume, swapped sounds, rounds, human judgement, Table 4.

needs   the drawings of every study (generate.smk), media shards; data/answers/*.json for Table 4
makes   results/<run>/studies/                    judges, judged drawings, rounds.json, the key of the human study
        results/<run>/metrics/vegas_*.json, judge.json, swap.json, volume.json, human_study.json
        results/<run>/human_study/                the folder for raters: open index.html
        results/<run>/tables/table{3,4}.{csv,md}, results/<run>/figures/*.png

snakemake --cores all human_study                the folder for raters
snakemake --cores all results/demo/tables/table4.md   Table 4 out of their answers
"""

from wavbrivl.studies.networks import named_extractors
from wavbrivl.workflow.studies import drawn, lacking_clip, lacking_wav2clip, study_sets, table3_tasks

STUDIED = f"{RESULTS}/studies"
PICTURES = f"{RESULTS}/figures"
SETS = study_sets(CONFIG.studies)
SHOWN = [name for name in ("swap", "volume") if name in CONFIG.studies.sets]
TRUTH = f"{WORLD}/truth.csv" if CONFIG.corpus.format == "embedded" else []
JUDGE = multiext(f"{STUDIED}/judge/", "config.json", "model.safetensors", "clips.txt")
FEATURES = multiext(f"{STUDIED}/features/", "config.json", "model.safetensors", "clips.txt")
ANSWERS = sorted(map(str, Path(CONFIG.studies.human.answers).glob("*.json")))
PAGE_FILES = Path(workflow.basedir) / "workflow/scripts/wavbrivl/studies/human/page"
TABLE3_METRICS = expand(f"{RESULTS}/metrics/{{task}}.json", task=table3_tasks(SETS))
STUDY_METRICS = [*TABLE3_METRICS, *expand(f"{RESULTS}/metrics/{{study}}.json", study=SHOWN)]
DRAWING_FILES = ("images.npy", "rounds.npy", "rows.csv", "trace.json", "grid.png")
EXTRACTORS = named_extractors(CONFIG.studies.features)
# Systems of others are drawn with where their weights are there; else the figures say what is lacking.
CLIP, WAV2CLIP = lacking_clip(CONFIG), lacking_wav2clip(CONFIG)
CLIP_TEXTS = [] if CLIP else [f"{GENERATE}/clip/drawings/text/images.npy"]
WAV2CLIP_SOUNDS = [] if WAV2CLIP else [f"{GENERATE}/wav2clip/drawings/test/images.npy"]
STUDY_FIGURES = expand(f"{PICTURES}/{{name}}.png", name=["drawings", "clips", "text", "rounds", *SHOWN])


rule studies:
    """Tables 3 and 4, every study's metrics and figures, and the folder for raters."""
    input:
        STUDY_METRICS,
        STUDY_FIGURES,
        multiext(f"{RESULTS}/tables/", "table3.csv", "table3.md", "table4.csv", "table4.md"),
        f"{RESULTS}/human_study",


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
        runtime=12 * 60,
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
        media=media_lists(["test"]),
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
        runtime=12 * 60,
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


rule train_judge:
    """Train the embedded judge on train frames, in their colours and in others."""
    input:
        media=media_lists(["train"]),
        truth=TRUTH,
    output:
        JUDGE,
    log:
        f"{LOGS}/train_judge.log",
    benchmark:
        f"{BENCHMARKS}/train_judge.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(3000),
        runtime=scaled(120),
        gpu=1,
    params:
        **settings("seed"),
        judge=settings("studies")["studies"]["judge"],
        code=code_digest("wavbrivl.studies.training", "wavbrivl.studies.judge"),
    script:
        "../workflow/scripts/train_judge.py"


rule train_features:
    """Train the classifier that FID, KID and Inception Score are computed on, on train frames."""
    input:
        media=media_lists(["train"]),
    output:
        FEATURES,
    log:
        f"{LOGS}/train_features.log",
    benchmark:
        f"{BENCHMARKS}/train_features.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(3000),
        runtime=scaled(120),
        gpu=1,
    params:
        **settings("seed"),
        features=settings("studies")["studies"]["features"],
        frames_in_memory=CONFIG.studies.judge.frames_in_memory,
        code=code_digest("wavbrivl.studies.training", "wavbrivl.studies.extractors"),
    script:
        "../workflow/scripts/train_features.py"


rule judge_drawings:
    """Judge every set of drawings, measure its distance to real frames, and the judge on real frames."""
    input:
        drawings=drawn(GENERATE, SETS),
        judge=JUDGE if CONFIG.studies.judge.kind == "embedded" else [],
        features=FEATURES,
        weights=fetched(CONFIG.studies.judge.clip),
        test=media_lists(["test"]),
        validation=media_lists(["validation"]),
        ledgers=shard_files("media/{shard}.ledger.csv", ["test"]),
        truth=TRUTH,
    output:
        judge=f"{RESULTS}/metrics/judge.json",
        real=f"{RESULTS}/metrics/vegas_real.json",
        sets=TABLE3_METRICS[2:],
        judged=f"{STUDIED}/drawings.items.csv",
        rounds=f"{STUDIED}/rounds.items.csv",
    log:
        f"{LOGS}/judge_drawings.log",
    benchmark:
        f"{BENCHMARKS}/judge_drawings.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(120),
        gpu=1,
    params:
        **settings("seed"),
        studies={name: settings("studies")["studies"][name] for name in ["judge", "features"]},
        extractors=EXTRACTORS,
        frames_in_memory=CONFIG.studies.judge.frames_in_memory,
        bootstrap=CONFIG.evaluate.bootstrap,
        dataset=CORPUS_NAME,
        code=code_digest("wavbrivl.studies.measure", "wavbrivl.studies.judge", "wavbrivl.studies.quality"),
    script:
        "../workflow/scripts/judge_drawings.py"


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
        media=media_lists(["test"]),
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
        absent_sound=WAV2CLIP,
        absent_text=CLIP,
        code=code_digest("wavbrivl.studies.folders", "wavbrivl.publish.study_figures"),
    script:
        "../workflow/scripts/study_pictures.py"


rule human_study:
    """The folder for raters: a page that works from disk or served, with its pictures and sounds."""
    input:
        drawings=[*drawn(GENERATE, SETS, "test"), *WAV2CLIP_SOUNDS],
        media=media_lists(["test"]),
        page=[PAGE_FILES / name for name in ("index.html", "study.css", "study.js")],
    output:
        page=directory(f"{RESULTS}/human_study"),
        key=f"{STUDIED}/human_study.key.json",
    log:
        f"{LOGS}/human_study.log",
    benchmark:
        f"{BENCHMARKS}/human_study.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        **settings("seed"),
        human={
            name: value
            for name, value in settings("studies")["studies"]["human"].items()
            if name != "answers"
        },
        code=code_digest("wavbrivl.studies.human.page", "wavbrivl.studies.folders"),
    script:
        "../workflow/scripts/human_study.py"


rule make_table3:
    """Table 3: drawings by the judge and by distance to real frames, measured and published."""
    input:
        metrics=TABLE3_METRICS,
        judged=f"{STUDIED}/drawings.items.csv",
        rounds=f"{STUDIED}/rounds.json",
    output:
        csv=report(
            f"{RESULTS}/tables/table3.csv",
            caption="../workflow/report/table3.rst",
            category="Tables",
            labels={"table": "3: drawings"},
        ),
        md=f"{RESULTS}/tables/table3.md",
    log:
        f"{LOGS}/make_table3.log",
    benchmark:
        f"{BENCHMARKS}/make_table3.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        **settings("seed"),
        features=settings("studies")["studies"]["features"],
        extractors=EXTRACTORS,
        bootstrap=CONFIG.evaluate.bootstrap,
        code=code_digest("wavbrivl.publish.table3"),
    script:
        "../workflow/scripts/make_table3.py"


rule make_table4:
    """Table 4 out of the files that raters exported; without any, it says that there are none."""
    input:
        key=f"{STUDIED}/human_study.key.json",
        answers=ANSWERS,
    output:
        csv=report(
            f"{RESULTS}/tables/table4.csv",
            caption="../workflow/report/table4.rst",
            category="Tables",
            labels={"table": "4: human judgement"},
        ),
        md=f"{RESULTS}/tables/table4.md",
        metrics=[f"{RESULTS}/metrics/human_study.json"] if ANSWERS else [],
    log:
        f"{LOGS}/make_table4.log",
    benchmark:
        f"{BENCHMARKS}/make_table4.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        **settings("seed"),
        dataset=CORPUS_NAME,
        code=code_digest("wavbrivl.publish.table4", "wavbrivl.studies.human.results"),
    script:
        "../workflow/scripts/make_table4.py"
