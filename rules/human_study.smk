"""Human judgement: the folder for raters, and Table 4 out of their answers.

needs   the drawings of held-out sounds, media shards; answer files in studies.human.answers for Table 4
makes   results/<run>/human_study/                     the folder for raters: open index.html
        results/<run>/studies/human_study.key.json     what is right, kept away from them
        results/<run>/tables/table4.{csv,md}, metrics/human_study.json

snakemake --cores 1 human_study
snakemake --cores 1 results/demo/tables/table4.md
"""

ANSWERS = sorted(map(str, Path(CONFIG.studies.human.answers).glob("*.json")))
RATED = ["wav2clip", *ALL_GENERATORS]
PAGE_FILES = Path("workflow/scripts/wavbrivl/studies/human/page")


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


rule make_table4:
    """Table 4 out of the files that raters exported; without any, it says that there are none."""
    input:
        key=[] if UNLABELLED else f"{STUDIED}/human_study.key.json",
        answers=[] if UNLABELLED else ANSWERS,
    output:
        csv=f"{RESULTS}/tables/table4.csv",
        md=f"{RESULTS}/tables/table4.md",
        metrics=[f"{RESULTS}/metrics/human_study.json"] if ANSWERS and not UNLABELLED else [],
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
        own=list(CONFIG.generate.own),
        absent=dict.fromkeys(RATED, UNLABELLED) if UNLABELLED else {"wav2clip": WAV2CLIP},
        code=code_digest("wavbrivl.publish.table4", "wavbrivl.studies.human.results"),
    script:
        "../workflow/scripts/make_table4.py"
