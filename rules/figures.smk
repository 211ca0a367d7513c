"""Figures of training, retrieval and classification.

needs   the training log, scored items and details of the evaluations, test frames
makes   results/<run>/figures/*.png, training_curves.csv
"""


rule draw_figures:
    """Curves, retrieval examples, a map of the shared space."""
    input:
        training=f"{RESULTS}/training/metrics.jsonl",
        retrieval=f"{RESULTS}/evaluation/retrieval.npz",
        media=media_lists(["test"]),
    output:
        losses=f"{FIGURES}/training_curves.csv",
        curves=report(
            f"{FIGURES}/training_curves.png",
            caption="../workflow/report/training_curves.rst",
            category="Training",
            labels={"figure": "loss and validation"},
        ),
        retrieval=report(
            f"{FIGURES}/retrieval.png",
            caption="../workflow/report/retrieval.rst",
            category="Retrieval",
            labels={"figure": "sounds and the images they find"},
        ),
        space=report(
            f"{FIGURES}/shared_space.png",
            caption="../workflow/report/shared_space.rst",
            category="Retrieval",
            labels={"figure": "sounds and images in one space"},
        ),
    log:
        f"{LOGS}/draw_figures.log",
    benchmark:
        f"{BENCHMARKS}/draw_figures.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(20),
    params:
        **settings("seed"),
        code=code_digest("wavbrivl.publish.figures"),
    script:
        "../workflow/scripts/draw_figures.py"


rule draw_classes:
    """Confusion and accuracy by class for each classification task, and how far seeds matter."""
    input:
        scores=expand(f"{RESULTS}/evaluation/{{task}}.items.csv", task=LABELLED),
        metrics=METRICS,
    output:
        **class_figures(),
    log:
        f"{LOGS}/draw_classes.log",
    benchmark:
        f"{BENCHMARKS}/draw_classes.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        tasks=LABELLED,
        scores={task: "map" if task == "vggsound" else "accuracy" for task in LABELLED},
        titles={task: class_title(task) for task in LABELLED},
        code=code_digest("wavbrivl.publish.class_figures", "wavbrivl.publish.seed_figure"),
    script:
        "../workflow/scripts/draw_classes.py"
