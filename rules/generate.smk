"""Pictures from sound: what the generators draw for each study.

needs   the generators, held-out media shards, the teacher, the exported audio encoder
makes   results/<run>/generate/mapping/                        from sounds and texts to images
        results/<run>/generate/conditions/<study>.npz          what a study draws from
        results/<run>/generate/<generator>/drawings/<study>/   pictures, their rows, trace and grid
"""

from wavbrivl.generate.study import STUDIES
from wavbrivl.workflow.generation import drawing_settings, drawings, trained_files
from wavbrivl.workflow.studies import sets_of, study_sets

# Without labels, nothing is drawn from the names of classes or in the places of other ones.
CHOSEN = [name for name, study in STUDIES.items() if not (UNLABELLED and study.needs_labels)]
SETS = study_sets(CONFIG.studies.sets, CHOSEN, ALL_GENERATORS)
TOGETHER = {name: sets_of(SETS, name) for name in ALL_GENERATORS} if CONFIG.generate.together else {}
DRAWING_FILES = ("images.npy", "rounds.npy", "rows.csv", "trace.json", "grid.png")
DRAWING_CODE = code_digest("wavbrivl.generate.load", "wavbrivl.generate.repeat")
DRAWN_WITH = {"teacher": TEACHER, "mappings": f"{GENERATE}/mapping/mapping.npz"}


wildcard_constraints:
    generator="|".join(ALL_GENERATORS),
    study="|".join(STUDIES),


rule fit_mapping:
    """Fit the maps from sounds and texts to images on train clips, and measure them on validation clips."""
    input:
        media=media_lists(["train", "validation"]),
        matrices=expand(f"{RESULTS}/embeddings/{{split}}.npy", split=["train", "validation"]),
        rows=expand(f"{RESULTS}/embeddings/{{split}}.csv", split=["train", "validation"]),
        teacher=TEACHER,
        model=f"{RESULTS}/model/model.safetensors",
    output:
        maps=f"{GENERATE}/mapping/mapping.npz",
        measured=f"{GENERATE}/mapping/mapping.json",
    log:
        f"{LOGS}/fit_mapping.log",
    benchmark:
        f"{BENCHMARKS}/fit_mapping.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(12 * 60),
        gpu=1,
    params:
        **settings("seed"),
        mapping=settings("generate")["generate"]["mapping"],
        batch_size=CONFIG.evaluate.batch_size,
        shards={split: PLAN.shards[split] for split in ["train", "validation"]},
        code=code_digest("wavbrivl.generate.gap"),
    script:
        "../workflow/scripts/fit_mapping.py"


rule choose_conditions:
    """Choose the held-out sounds of every study and embed what is drawn from."""
    input:
        media=media_lists(["test"]),
        matrix=f"{RESULTS}/embeddings/test.npy",
        rows=f"{RESULTS}/embeddings/test.csv",
        teacher=TEACHER,
        model=f"{RESULTS}/model/model.safetensors",
    output:
        expand(f"{GENERATE}/conditions/{{study}}.npz", study=CHOSEN),
    log:
        f"{LOGS}/choose_conditions.log",
    benchmark:
        f"{BENCHMARKS}/choose_conditions.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(3000),
        runtime=scaled(120),
        gpu=1,
    params:
        **settings("seed"),
        clips=CONFIG.generate.items,
        studies=CHOSEN,
        batch_size=CONFIG.evaluate.batch_size,
        code=code_digest("wavbrivl.generate.choose"),
    script:
        "../workflow/scripts/choose_conditions.py"


rule draw:
    """Draw a study's conditions with one generator, everything frozen."""
    input:
        **DRAWN_WITH,
        model=lambda wildcards: trained_files(GENERATE, CONFIG, wildcards.generator),
        conditions=f"{GENERATE}/conditions/{{study}}.npz",
    output:
        [f"{GENERATE}/{{generator}}/drawings/{{study}}/{name}" for name in DRAWING_FILES],
    log:
        f"{LOGS}/draw/{{generator}}-{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/draw/{{generator}}-{{study}}.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(24 * 60),
        gpu=1,
    params:
        **settings("seed"),
        generator="{generator}",
        studies=lambda wildcards: [wildcards.study],
        generate=lambda wildcards: drawing_settings(CONFIG, wildcards.generator),
        code=DRAWING_CODE,
        own_code=lambda wildcards: OWN_CODE.get(wildcards.generator),
    script:
        "../workflow/scripts/draw.py"


# A rule a generator that draws all of its sets in one job, and goes before the rule above.
for generator, sets in TOGETHER.items():

    rule:
        name:
            f"draw_{generator}"
        input:
            **DRAWN_WITH,
            model=trained_files(GENERATE, CONFIG, generator),
            conditions=[f"{GENERATE}/conditions/{study}.npz" for study in sets],
        output:
            [f"{GENERATE}/{generator}/drawings/{study}/{name}" for study in sets for name in DRAWING_FILES],
        log:
            f"{LOGS}/draw/{generator}.log",
        benchmark:
            f"{BENCHMARKS}/draw/{generator}.tsv"
        priority: DALLE_FIRST if generator == "dalle" else 0
        conda:
            "../envs/generate.yaml"
        resources:
            mem_mb=scaled(4000),
            runtime=scaled(24 * 60),
            gpu=1,
        params:
            **settings("seed"),
            generator=generator,
            studies=sets,
            generate=drawing_settings(CONFIG, generator),
            code=DRAWING_CODE,
            own_code=OWN_CODE.get(generator),
        script:
            "../workflow/scripts/draw.py"

    workflow.ruleorder(f"draw_{generator}", "draw")
