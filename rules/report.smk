"""The report: one self-contained page, and the same as a folder in an archive.

needs   tables, figures, records
makes   results/<run>/pages/*.html           tables and records as the report shows them
        results/<run>/report.html, .zip
"""

# Name of a page: what it is made of, its category, label and title in the report.
PAGES = {
    "table1": (f"{RESULTS}/tables/table1.md", "Tables", "table", "1: tasks and data"),
    "table2": (f"{RESULTS}/tables/table2.md", "Tables", "table", "2: classification and retrieval"),
    "table3": (f"{RESULTS}/tables/table3.md", "Tables", "table", "3: drawings"),
    "table4": (f"{RESULTS}/tables/table4.md", "Tables", "table", "4: human judgement"),
    "clotho": (
        f"{RESULTS}/tables/clotho.md",
        "Events and captions",
        "table",
        "captioning and retrieval on Clotho",
    ),
    "captions": (f"{RESULTS}/tables/captions.md", "Events and captions", "table", "sample captions"),
    "coverage": (f"{RESULTS}/coverage/coverage.txt", "Corpus", "table", "coverage and leakage"),
    "by_class": (f"{RESULTS}/coverage/by_class.csv", "Corpus", "table", "coverage by class"),
    "run": (f"{RESULTS}/run.json", "Run", "record", "configuration, versions, coverage"),
    **({"search": (f"{SEARCH}/points.md", "Training", "table", "grid search")} if POINTS else {}),
}


rule make_pages:
    """Pages of tables and records, which the report shows, and one of the time and memory of each rule."""
    input:
        **{name: source for name, (source, *_) in PAGES.items()},
        whole=[rules.studies.input, rules.draw_figures.output, rules.draw_classes.output],
    output:
        **{name: shown_page(name, *about) for name, (_, *about) in PAGES.items()},
        resources=shown_page("resources", "Run", "record", "time and memory by rule"),
    log:
        f"{LOGS}/make_pages.log",
    benchmark:
        f"{BENCHMARKS}/make_pages.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        titles={name: title for name, (*_, title) in PAGES.items()},
        benchmarks=BENCHMARKS,
        code=code_digest("wavbrivl.publish.pages", "wavbrivl.publish.resources"),
    script:
        "../workflow/scripts/make_pages.py"


rule make_report:
    """One self-contained page with captions; it also shows run times and code of every rule."""
    input:
        TABLES,
        rules.studies.input,
        rules.draw_figures.output,
        rules.draw_classes.output,
        rules.show_events_and_captions.output,
        rules.survey_corpus.output,
        rules.summarise.output,
        rules.make_pages.output,
    output:
        html=f"{RESULTS}/report.html",
        zip=f"{RESULTS}/report.zip",
    log:
        f"{LOGS}/make_report.log",
    benchmark:
        f"{BENCHMARKS}/make_report.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(15),
    params:
        configfiles=overlays(),
    script:
        "../workflow/scripts/make_report.py"
