"""WavBriVL: videos in, an audio encoder in BriVL's space and its measured numbers out.

snakemake --cores all                       the embedded default, from nothing to the report
snakemake --cores all --use-conda           the same, every rule in its own environment
snakemake --cores all train                 one stage: corpus, teacher, train, evaluate, generate, studies, publish
snakemake --configfile config/paper.yaml    another configuration, laid over config/config.yaml
"""

from snakemake.utils import min_version

min_version("9.17")


configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/world.smk"
include: "rules/corpus.smk"
include: "rules/coverage.smk"
include: "rules/datasets.smk"
include: "rules/weights.smk"
include: "rules/teacher.smk"
include: "rules/teacher_images.smk"
include: "rules/audio_encoder.smk"
include: "rules/search.smk"
include: "rules/evaluation.smk"
include: "rules/benchmarks.smk"
include: "rules/embed.smk"
include: "rules/events_and_captions.smk"
include: "rules/evaluate.smk"
include: "rules/generators.smk"
include: "rules/generate.smk"
include: "rules/judges.smk"
include: "rules/studies.smk"
include: "rules/study_figures.smk"
include: "rules/human_study.smk"
include: "rules/borrow.smk"
include: "rules/figures.smk"
include: "rules/publish.smk"
include: "rules/report.smk"
include: "rules/share.smk"


report: "workflow/report/workflow.rst"


localrules:
    all,
    split_manifest,
    list_media,
    corpus,
    coverage,
    retry_transient,
    teacher,
    train,
    evaluate,
    generate,
    studies,
    publish,
    make_tables,
    record_run,
    summarise,
    make_report,
    share,


rule all:
    default_target: True
    input:
        rules.publish.input,


onstart:
    cancel_orphans_of_dead_runs()


onsuccess:
    shell("cat {RESULTS}/summary.txt 2>/dev/null || true")
