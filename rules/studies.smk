"""The studies on drawn pictures: Table 3, volume, swapped sounds, rounds.

needs   drawings, judged (judges.smk)
makes   results/<run>/metrics/swap.json, volume.json; studies/rounds.json
        results/<run>/tables/table3.{csv,md}
        results/<run>/figures/{swap,volume,rounds}.png
"""

from wavbrivl.studies.sets import measured

SHOWN = [name for name in ("swap", "volume") if name in CONFIG.studies.sets]
STUDY_METRICS = [*TABLE3_METRICS, *expand(f"{RESULTS}/metrics/{{study}}.json", study=SHOWN)]
STUDY_FIGURES = expand(f"{FIGURES}/{{name}}.png", name=["drawings", "text", "rounds", *SHOWN])
# Whose clips have no labels has pictures, but nothing that they could be judged by.
JUDGED = [] if UNLABELLED else [*STUDY_METRICS, *STUDY_FIGURES, f"{RESULTS}/human_study"]
DRAWN = ["test", "control", *([] if UNLABELLED else ["text"])]


rule studies:
    """Tables 3 and 4, every study's metrics and figures, and the folder for raters."""
    input:
        JUDGED,
        f"{FIGURES}/clips.png",
        multiext(f"{RESULTS}/tables/", "table3.csv", "table3.md", "table4.csv", "table4.md"),


rule generate:
    """Every generator's pictures of held-out sounds, of its control and of label texts; all studies on them."""
    input:
        [drawings(GENERATE, study) for study in DRAWN],
        f"{GENERATE}/mapping/mapping.json",
        rules.studies.input,


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
            f"{FIGURES}/swap.png",
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
        model=f"{RESULTS}/model/config.json",
        judged=f"{STUDIED}/drawings.items.csv",
        real=f"{RESULTS}/metrics/vegas_real.json",
    output:
        metrics=f"{RESULTS}/metrics/volume.json",
        figure=report(
            f"{FIGURES}/volume.png",
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
            f"{FIGURES}/rounds.png",
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


rule make_table3:
    """Table 3: drawings by the judge and by distance to real frames, measured and published."""
    input:
        metrics=[] if UNLABELLED else TABLE3_METRICS,
        judged=[] if UNLABELLED else [f"{STUDIED}/drawings.items.csv"],
        rounds=[] if UNLABELLED else [f"{STUDIED}/rounds.json"],
    output:
        csv=f"{RESULTS}/tables/table3.csv",
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
        sets=[one for one in SETS if measured(one[1])],
        features=settings("studies")["studies"]["features"],
        extractors=EXTRACTORS,
        unmeasured=UNLABELLED,
        bootstrap=CONFIG.evaluate.bootstrap,
        code=code_digest("wavbrivl.publish.table3"),
    script:
        "../workflow/scripts/make_table3.py"
