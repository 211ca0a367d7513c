"""What there is of the corpus and what is missing, and asking again for what failed for a passing reason.

needs   manifests and the ledgers of media shards
makes   results/<run>/coverage/   counts, tables, missing ids and a figure, by cause, split and class
"""

COVERAGE = f"{RESULTS}/coverage"


rule survey_corpus:
    """Count what there is and what is missing by cause, split and class; list the missing ids."""
    input:
        manifests=shard_files("manifest/{shard}.csv"),
        ledgers=shard_files("media/{shard}.ledger.csv"),
        summary=f"{CORPUS}/manifest/summary.json",
    output:
        counts=f"{COVERAGE}/coverage.json",
        table=f"{COVERAGE}/coverage.txt",
        missing=f"{COVERAGE}/missing.csv",
        classes=f"{COVERAGE}/by_class.csv",
        figure=report(
            f"{COVERAGE}/coverage.png",
            caption="../workflow/report/coverage.rst",
            category="Corpus",
            labels={"figure": "coverage by split, cause and class"},
        ),
    log:
        f"{LOGS}/survey_corpus.log",
    benchmark:
        f"{BENCHMARKS}/survey_corpus.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        splits=SPLITS,
        code=code_digest("wavbrivl.corpus.coverage", "wavbrivl.publish.coverage"),
    script:
        "../workflow/scripts/survey_corpus.py"


rule coverage:
    """Print what there is of the corpus and what is missing."""
    input:
        f"{COVERAGE}/coverage.txt",
    log:
        f"{LOGS}/coverage.log",
    conda:
        "../envs/media.yaml"
    shell:
        "tee {log} < {input}"


rule retry_transient:
    """Have the next run ask again for the clips that are missing for a passing reason, and for no other."""
    log:
        f"{LOGS}/retry_transient.log",
    conda:
        "../envs/media.yaml"
    params:
        corpus=CORPUS,
        shards=ALL_SHARDS,
    script:
        "../workflow/scripts/retry_transient.py"
