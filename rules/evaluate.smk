"""Every downstream evaluation, one metrics file a task and encoder.

needs   the exported model, the teacher, benchmarks in their publishers' layouts
makes   results/<run>/metrics/<task>.json, metrics/<encoder>/<task>.json
        results/<run>/evaluation/*.items.csv   what each test item scored, for paired comparisons
"""

ESC50 = CONFIG.evaluate.esc50.path or "data/benchmarks/embedded/ESC-50"
LABELS = f"{workflow.basedir}/workflow/scripts/wavbrivl/labels"
EMBEDDED_ESC50 = CONFIG.evaluate.esc50.path is None

METRICS = [
    *metrics_of("esc50"),
    *metrics_of("esc50_zeroshot", ["wavbrivl"]),
    *metrics_of("vggsound_retrieval"),
]


rule evaluate:
    """Every metrics file."""
    input:
        METRICS,


rule make_esc50:
    """Write the embedded benchmark in ESC-50's layout, from other parameters than the videos'."""
    output:
        audio=directory("data/benchmarks/embedded/ESC-50/audio"),
        meta="data/benchmarks/embedded/ESC-50/meta/esc50.csv",
    log:
        f"{LOGS}/make_esc50.log",
    benchmark:
        f"{BENCHMARKS}/make_esc50.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        **settings("world", "seed"),
        code=code_digest("wavbrivl.world.benchmarks"),
    script:
        "../workflow/scripts/make_esc50.py"


rule evaluate_esc50:
    """ESC-50 by its five official folds: an MLP head on each encoder, and zero-shot from label texts."""
    input:
        meta=f"{ESC50}/meta/esc50.csv",
        audio=f"{ESC50}/audio",
        model=f"{RESULTS}/model/model.safetensors",
        teacher=f"{RESULTS}/teacher/model.safetensors",
        translations=f"{WORLD}/labels.csv" if EMBEDDED_ESC50 else f"{LABELS}/esc50.csv",
    output:
        metrics=metrics_of("esc50"),
        zeroshot=metrics_of("esc50_zeroshot", ["wavbrivl"]),
        scores=f"{RESULTS}/evaluation/esc50.items.csv",
    log:
        f"{LOGS}/evaluate_esc50.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_esc50.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(120),
        gpu=1,
    params:
        **settings("evaluate", "seed"),
        encoders=ENCODERS,
        dataset="embedded benchmark in ESC-50's layout" if EMBEDDED_ESC50 else Path(ESC50).name,
        code=code_digest("wavbrivl.evaluate.esc50"),
    script:
        "../workflow/scripts/evaluate_esc50.py"


rule evaluate_retrieval:
    """Find images by sound and sounds by image among the clips of the test split."""
    input:
        media=shard_files("media/{shard}.tar", ["train", "test"]),
        index=shard_files("media/{shard}.index.json", ["train", "test"]),
        ledgers=shard_files("media/{shard}.ledger.csv", ["test"]),
        matrices=expand(f"{RESULTS}/embeddings/{{split}}.npy", split=["train", "test"]),
        rows=expand(f"{RESULTS}/embeddings/{{split}}.csv", split=["train", "test"]),
        model=f"{RESULTS}/model/model.safetensors",
    output:
        metrics=metrics_of("vggsound_retrieval"),
        scores=f"{RESULTS}/evaluation/retrieval.items.csv",
        details=f"{RESULTS}/evaluation/retrieval.npz",
    log:
        f"{LOGS}/evaluate_retrieval.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_retrieval.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(240),
        gpu=1,
    params:
        **settings("evaluate", "training", "seed"),
        encoders=ENCODERS,
        dataset=CORPUS_NAME,
        shards={split: PLAN.shards[split] for split in ["train", "test"]},
        code=code_digest("wavbrivl.evaluate.retrieval", "wavbrivl.evaluate.cross_projection"),
    script:
        "../workflow/scripts/evaluate_retrieval.py"
