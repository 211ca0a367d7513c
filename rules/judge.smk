"""Judges of drawn pictures, and Table 3.

needs   the drawings of every set (generate.smk), media shards
makes   results/<run>/studies/             the judge, the network of FID, every drawing judged
        results/<run>/metrics/vegas_*.json, judge.json
        results/<run>/tables/table3.{csv,md}
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


rule train_judge:
    """Train the embedded judge on train frames, in their colours and in others."""
    input:
        media=shard_files("media/{shard}.tar", ["train"]),
        index=shard_files("media/{shard}.index.json", ["train"]),
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
        media=shard_files("media/{shard}.tar", ["train"]),
        index=shard_files("media/{shard}.index.json", ["train"]),
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
        test=shard_files("media/{shard}.tar", ["test"]),
        validation=shard_files("media/{shard}.tar", ["validation"]),
        index=shard_files("media/{shard}.index.json", ["test", "validation"]),
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
