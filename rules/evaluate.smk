"""Every downstream evaluation, one metrics file a task and encoder.

needs   matrices of embeddings and label texts (embed.smk)
makes   results/<run>/metrics/<task>.json, metrics/<encoder>/<task>.json
        results/<run>/evaluation/*.items.csv   what each test item scored, for paired comparisons
"""

METRICS = [
    *(path for task in LABELLED for path in metrics_of(task, ROWS)),
    *(path for task in LABELLED for path in metrics_of(f"{task}_zeroshot", ["wavbrivl"])),
    *metrics_of("vggsound_retrieval"),
    *EVENTS_AND_CAPTIONS,
]


rule evaluate:
    """Every metrics file."""
    input:
        METRICS,


rule evaluate_benchmark:
    """A benchmark by its official folds: an MLP head on each encoder, and zero-shot from label texts."""
    input:
        table=lambda wildcards: f"{benchmark_folder(wildcards.dataset)}/{BENCHMARK_TABLES[wildcards.dataset]}",
        matrices=expand(f"{EMBEDDINGS}/{{{{dataset}}}}/{{encoder}}.npz", encoder=ENCODERS),
        labels=f"{LABEL_VECTORS}/{{dataset}}.npz",
        supervised=supervised_logits,
    output:
        metrics=metrics_of("{dataset}", ROWS),
        zeroshot=metrics_of("{dataset}_zeroshot", ["wavbrivl"]),
        scores=f"{RESULTS}/evaluation/{{dataset}}.items.csv",
    log:
        f"{LOGS}/evaluate_benchmark/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_benchmark/{{dataset}}.tsv"
    wildcard_constraints:
        dataset="|".join(BENCHMARK_TITLES),
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(120),
    params:
        **settings("seed"),
        **evaluation("probe", "bootstrap", "seeds", "supervised"),
        folder=lambda wildcards: benchmark_folder(wildcards.dataset),
        name=lambda wildcards: benchmark_name(wildcards.dataset),
        code=code_digest("wavbrivl.evaluate.datasets", "wavbrivl.evaluate.outcomes"),
    script:
        "../workflow/scripts/evaluate_benchmark.py"


rule evaluate_vggsound:
    """The corpus's own classes, official train to test: an MLP head on each encoder, and zero-shot."""
    input:
        rows=expand(f"{RESULTS}/embeddings/{{split}}.csv", split=SPLITS),
        matrices=expand(f"{EMBEDDINGS}/{{split}}/{{encoder}}.npz", split=SPLITS, encoder=ENCODERS),
        ledgers=shard_files("media/{shard}.ledger.csv"),
        labels=f"{LABEL_VECTORS}/vggsound.npz",
        supervised=[f"{SUPERVISED_LOGITS}/vggsound/test.npz"] if SUPERVISED in ROWS else [],
    output:
        metrics=metrics_of("vggsound", ROWS),
        zeroshot=metrics_of("vggsound_zeroshot", ["wavbrivl"]),
        scores=f"{RESULTS}/evaluation/vggsound.items.csv",
    log:
        f"{LOGS}/evaluate_vggsound.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_vggsound.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(6000),
        runtime=scaled(8 * 60),
        gpu=1,
    params:
        **settings("seed"),
        **evaluation("probe", "bootstrap", "seeds", "supervised"),
        encoders=ENCODERS,
        dataset=CORPUS_NAME,
        code=code_digest("wavbrivl.evaluate.corpus_classes", "wavbrivl.evaluate.outcomes"),
    script:
        "../workflow/scripts/evaluate_vggsound.py"


rule evaluate_retrieval:
    """Find images by sound and sounds by image among the clips of the test split."""
    input:
        sounds=expand(f"{EMBEDDINGS}/{{split}}/{{encoder}}.npz", split=["train", "test"], encoder=ENCODERS),
        matrices=expand(f"{RESULTS}/embeddings/{{split}}.npy", split=["train", "test"]),
        rows=expand(f"{RESULTS}/embeddings/{{split}}.csv", split=["train", "test"]),
        ledgers=shard_files("media/{shard}.ledger.csv", ["train", "test"]),
        chosen=CHOSEN,
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
        **settings("training", "seed"),
        **evaluation("retrieval", "bootstrap", "heavy_seeds"),
        encoders=ENCODERS,
        dataset=CORPUS_NAME,
        code=code_digest(
            "wavbrivl.evaluate.retrieval",
            "wavbrivl.evaluate.cross_projection",
            "wavbrivl.evaluate.corpus_classes",
            "wavbrivl.train.chosen",
        ),
    script:
        "../workflow/scripts/evaluate_retrieval.py"
