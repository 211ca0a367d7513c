"""Models of another run, where models_of names one: then this run trains nothing of its own.

needs   a finished run
makes   results/<run>/teacher, model, generate/mapping, generate/<generator>/model   as copies
"""

from wavbrivl.workflow.generation import lacking_models, model_files

if CONFIG.models_of:
    LENDER = f"results/{CONFIG.models_of}"
    if lack := lacking_models(CONFIG, Path(LENDER)):
        raise WorkflowError(lack)
    LENT = model_files(Path(LENDER), ALL_GENERATORS)

    rule borrow_models:
        """Take the teacher, the encoder and the generators that another run has trained."""
        input:
            [f"{LENDER}/{name}" for name in LENT],
        output:
            [f"{RESULTS}/{name}" for name in LENT],
        log:
            f"{LOGS}/borrow_models.log",
        benchmark:
            f"{BENCHMARKS}/borrow_models.tsv"
        conda:
            "../envs/media.yaml"
        resources:
            mem_mb=scaled(500),
            runtime=scaled(60),
        script:
            "../workflow/scripts/borrow_models.py"

    # Whoever would train the same files gives way; which of these rules there are, the configuration decides.
    for name in (
        *("adopt_model", "convert_checkpoint", "train_teacher", "train_audio_encoder", "describe_model"),
        *(
            "train_dvae",
            "train_dalle",
            "train_diffusion",
            "train_vq",
            "train_own_generator",
            "fit_mapping",
        ),
    ):
        if workflow.is_rule(name):
            workflow.ruleorder("borrow_models", name)
