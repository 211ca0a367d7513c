"""Tables 1 and 2, the model's card, the run's own record and a summary.

needs   metrics, training log, embeddings
makes   results/<run>/tables/table{1,2}.{csv,md}   measured beside published
        results/<run>/run.json                     configuration, versions, revision, machine
        results/<run>/model_card.md                the model's card with everything that was measured
        results/<run>/summary.txt, metrics.json
"""

TABLES = multiext(f"{RESULTS}/tables/", "table1.csv", "table1.md", "table2.csv", "table2.md")
ITEMS = expand(f"{RESULTS}/evaluation/{{task}}.items.csv", task=[*LABELLED, "retrieval", "desed", "clotho"])


rule publish:
    """Tables, figures, the report and a summary in a few lines."""
    input:
        TABLES,
        rules.studies.input,
        f"{RESULTS}/model/README.md",
        f"{RESULTS}/model_card.md",
        f"{RESULTS}/summary.txt",
        multiext(f"{RESULTS}/report", ".html", ".zip"),


rule make_tables:
    """Tables 1 and 2: measured and published numbers in separate columns."""
    input:
        metrics=METRICS,
        scores=ITEMS,
    output:
        table1=f"{RESULTS}/tables/table1.csv",
        table1_md=f"{RESULTS}/tables/table1.md",
        table2=f"{RESULTS}/tables/table2.csv",
        table2_md=f"{RESULTS}/tables/table2.md",
        differences=f"{RESULTS}/tables/differences.csv",
    log:
        f"{LOGS}/make_tables.log",
    benchmark:
        f"{BENCHMARKS}/make_tables.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        **settings("seed"),
        bootstrap=CONFIG.evaluate.bootstrap,
        absent=ABSENT_ENCODERS,
        unmeasured={"vggsound": NO_CLASSES, "vggsound_zeroshot": NO_CLASSES} if NO_CLASSES else {},
        code=code_digest("wavbrivl.publish.table1"),
    script:
        "../workflow/scripts/make_tables.py"


rule write_model_card:
    """The model card with metrics; in place of the model folder's README it makes the folder complete."""
    input:
        **dict(rules.describe_model.input.items()),
        metrics=METRICS,
    output:
        f"{RESULTS}/model_card.md",
    log:
        f"{LOGS}/write_model_card.log",
    benchmark:
        f"{BENCHMARKS}/write_model_card.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        card=CARD,
        code=code_digest("wavbrivl.train.card"),
    script:
        "../workflow/scripts/write_model_card.py"


rule record_run:
    """What this run was: effective configuration, package versions, revision, machine, coverage."""
    input:
        coverage=f"{RESULTS}/coverage/coverage.json",
        manifest=f"{CORPUS}/manifest/summary.json",
    output:
        record=f"{RESULTS}/run.json",
    log:
        f"{LOGS}/record_run.log",
    benchmark:
        f"{BENCHMARKS}/record_run.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        config=CONFIG.model_dump(mode="json"),
        code=code_digest("wavbrivl.workflow.record"),
    script:
        "../workflow/scripts/record_run.py"


rule summarise:
    """The main numbers in a few lines for the terminal, all of them in one file for DVC."""
    input:
        metrics=METRICS,
        teacher=f"{RESULTS}/metrics/teacher.json",
        record=f"{RESULTS}/run.json",
    output:
        text=f"{RESULTS}/summary.txt",
        numbers=f"{RESULTS}/metrics.json",
    log:
        f"{LOGS}/summarise.log",
    benchmark:
        f"{BENCHMARKS}/summarise.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(300),
        runtime=scaled(5),
    params:
        code=code_digest("wavbrivl.publish.summary"),
    script:
        "../workflow/scripts/summarise.py"
