"""Sound event detection on DESED, captioning and retrieval by caption on Clotho.

needs   the exported model, benchmarks in their publishers' layouts; a teacher that reads English, if any
makes   results/<run>/metrics/{desed,clotho_captioning,clotho_retrieval}.json, metrics/<encoder>/<task>.json
        results/<run>/evaluation/desed.{items,events}.csv, clotho.{items,captions}.csv
        results/<run>/figures/desed_events.png, tables/clotho.{csv,md}, tables/captions.{csv,md}
"""

EVENTS_AND_CAPTIONS = [
    *metrics_of("desed"),
    *metrics_of("clotho_captioning", CAPTION_ROWS),
    *metrics_of("clotho_retrieval"),
]


rule make_desed:
    """Write the embedded benchmark in DESED's layout: soundscapes from other parameters than the videos'."""
    output:
        audio=[directory(f"{EMBEDDED_DESED}/audio/{PLACES[part]}") for part in DESED_PARTS],
        tables=[f"{EMBEDDED_DESED}/metadata/{PLACES[part]}.tsv" for part in DESED_PARTS],
    log:
        f"{LOGS}/make_desed.log",
    benchmark:
        f"{BENCHMARKS}/make_desed.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        **settings("seed"),
        parts=DESED_PARTS,
        embedded=DESED_CONFIG.embedded.model_dump(),
        code=code_digest("wavbrivl.world.desed"),
    script:
        "../workflow/scripts/make_desed.py"


rule make_clotho:
    """Write the embedded benchmark in Clotho's layout: sounds of a few events with five captions each."""
    output:
        audio=[directory(f"{EMBEDDED_CLOTHO}/{split}") for split in CLOTHO_SPLITS],
        captions=[f"{EMBEDDED_CLOTHO}/clotho_captions_{split}.csv" for split in CLOTHO_SPLITS],
        metadata=[f"{EMBEDDED_CLOTHO}/clotho_metadata_{split}.csv" for split in CLOTHO_SPLITS],
    log:
        f"{LOGS}/make_clotho.log",
    benchmark:
        f"{BENCHMARKS}/make_clotho.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        **settings("seed"),
        embedded=CLOTHO_CONFIG.embedded.model_dump(),
        code=code_digest("wavbrivl.world.clotho"),
    script:
        "../workflow/scripts/make_clotho.py"


rule evaluate_desed:
    """Detect events with one frame head on each encoder's frames; F1 by segments and by events."""
    input:
        audio=[f"{DESED}/audio/{PLACES[part]}" for part in DESED_CONFIG.parts],
        tables=[f"{DESED}/metadata/{PLACES[part]}.tsv" for part in DESED_CONFIG.parts],
        model=f"{RESULTS}/model/model.safetensors",
        weights=weights_in_use(),
    output:
        metrics=metrics_of("desed"),
        scores=f"{RESULTS}/evaluation/desed.items.csv",
        events=f"{RESULTS}/evaluation/desed.events.csv",
    log:
        f"{LOGS}/evaluate_desed.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_desed.tsv"
    conda:
        "../envs/metrics.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(240),
        gpu=1,
    params:
        **settings("seed"),
        desed=DESED_CONFIG.model_dump(mode="json", exclude={"path", "embedded"}),
        sounds=lambda wildcards: own_sounds(
            DESED_CONFIG.path, *(f"audio/{PLACES[part]}" for part in DESED_CONFIG.parts)
        ),
        bootstrap=CONFIG.evaluate.bootstrap,
        seeds=CONFIG.evaluate.heavy_seeds,
        batch_size=CONFIG.evaluate.batch_size,
        encoders=ENCODERS,
        models=models_in_use(),
        others=code_of_others(),
        dataset="embedded benchmark in DESED's layout" if DESED == EMBEDDED_DESED else "DESED",
        code=code_digest("wavbrivl.evaluate.events.run"),
    script:
        "../workflow/scripts/evaluate_desed.py"


rule evaluate_clotho:
    """Captions and retrieval by caption: a decoder on each encoder's frames, a text encoder beside each."""
    input:
        audio=[f"{CLOTHO}/{split}" for split in CLOTHO_SPLITS],
        captions=[f"{CLOTHO}/clotho_captions_{split}.csv" for split in CLOTHO_SPLITS],
        metadata=CLOTHO_METADATA,
        parser=CORENLP,
        model=f"{RESULTS}/model/model.safetensors",
        weights=weights_in_use(),
        teacher=TEACHER if ENGLISH else [],
    output:
        captioning=metrics_of("clotho_captioning", CAPTION_ROWS),
        retrieval=metrics_of("clotho_retrieval"),
        scores=f"{RESULTS}/evaluation/clotho.items.csv",
        captions=f"{RESULTS}/evaluation/clotho.captions.csv",
    log:
        f"{LOGS}/evaluate_clotho.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_clotho.tsv"
    conda:
        "../envs/metrics.yaml"
    resources:
        mem_mb=scaled(6000),
        runtime=scaled(480),
        gpu=1,
    params:
        **settings("seed"),
        clotho=CLOTHO_CONFIG.model_dump(mode="json", exclude={"path", "embedded"}),
        sounds=lambda wildcards: own_sounds(CLOTHO_CONFIG.path, *CLOTHO_SPLITS),
        bootstrap=CONFIG.evaluate.bootstrap,
        seeds=CONFIG.evaluate.heavy_seeds,
        batch_size=CONFIG.evaluate.batch_size,
        encoders=ENCODERS,
        models=models_in_use(),
        others=code_of_others(),
        language=CONFIG.teacher.language,
        dataset="embedded benchmark in Clotho's layout" if CLOTHO == EMBEDDED_CLOTHO else "Clotho",
        code=code_digest(
            "wavbrivl.evaluate.captions.captioning",
            "wavbrivl.evaluate.captions.retrieval",
            "wavbrivl.teacher.model",
        ),
    script:
        "../workflow/scripts/evaluate_clotho.py"


rule show_events_and_captions:
    """A figure of detected events, sample captions, and all scores on Clotho in one table."""
    input:
        events=f"{RESULTS}/evaluation/desed.events.csv",
        captions=f"{RESULTS}/evaluation/clotho.captions.csv",
        metrics=[*metrics_of("clotho_captioning", CAPTION_ROWS), *metrics_of("clotho_retrieval")],
    output:
        events=report(
            f"{RESULTS}/figures/desed_events.png",
            caption="../workflow/report/desed_events.rst",
            category="Events and captions",
            labels={"figure": "events, reference and detected"},
        ),
        samples=report(
            f"{RESULTS}/tables/captions.csv",
            caption="../workflow/report/captions.rst",
            category="Events and captions",
            labels={"table": "sample captions"},
        ),
        samples_md=f"{RESULTS}/tables/captions.md",
        scores=report(
            f"{RESULTS}/tables/clotho.csv",
            caption="../workflow/report/clotho.rst",
            category="Events and captions",
            labels={"table": "captioning and retrieval on Clotho"},
        ),
        scores_md=f"{RESULTS}/tables/clotho.md",
    log:
        f"{LOGS}/show_events_and_captions.log",
    benchmark:
        f"{BENCHMARKS}/show_events_and_captions.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        **settings("seed"),
        encoders=ENCODERS,
        code=code_digest("wavbrivl.publish.event_figure", "wavbrivl.publish.caption_tables"),
    script:
        "../workflow/scripts/show_events_and_captions.py"
