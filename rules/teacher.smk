"""The frozen teacher: trained, converted, or taken over.

needs   media shards; a BriVL checkpoint or a CLIP-like model where teacher.checkpoint or teacher.model names one
makes   results/<run>/teacher/   configuration, weights, vocabulary or tokenizer
"""

TRAINED = CONFIG.teacher.kind == "brivl" and not CONFIG.teacher.checkpoint
TEACHER_OWN = {"brivl": ["vocab.txt"], "huggingface": ["huggingface"]}.get(CONFIG.teacher.kind, [])
# All that makes a teacher, so that whatever reads it asks for all of it: Snakemake does not run a rule anew
# that has an output which nobody asks for and which never was there, as after a change of the kind.
TEACHER = multiext(f"{RESULTS}/teacher/", "config.json", "model.safetensors", *TEACHER_OWN)
TEACHER += [f"{RESULTS}/teacher/training.jsonl"] if TRAINED else []


rule teacher:
    """The teacher and its image embeddings."""
    input:
        expand(f"{RESULTS}/embeddings/{{split}}.npy", split=SPLITS),
        f"{RESULTS}/metrics/teacher.json",


if CONFIG.teacher.kind == "huggingface":
    from wavbrivl.teacher.kinds import files_of

    # A fetched folder never changes, so its record stands for it; in one's own, weights may be swapped.
    MODEL_FOLDER = model_place(CONFIG.teacher)
    FETCHED_MODEL = weights_name(MODEL_FOLDER) in WEIGHTS
    MODEL_FILES = fetched(MODEL_FOLDER) if FETCHED_MODEL else files_of(Path(MODEL_FOLDER))

    rule adopt_model:
        """Check a CLIP-like model's folder and keep it as a teacher, weights as safetensors."""
        input:
            MODEL_FILES,
        output:
            TEACHER[:2],
            files=directory(TEACHER[2]),
        log:
            f"{LOGS}/adopt_model.log",
        benchmark:
            f"{BENCHMARKS}/adopt_model.tsv"
        conda:
            "../envs/torch.yaml"
        resources:
            mem_mb=scaled(8000),
            runtime=scaled(30),
        params:
            source=MODEL_FOLDER,
            teacher=CONFIG.teacher.model_dump(mode="json", include={"kind", "language", "model", "revision"}),
            code=code_digest("wavbrivl.teacher.huggingface"),
        script:
            "../workflow/scripts/adopt_model.py"

elif CONFIG.teacher.checkpoint:

    rule convert_checkpoint:
        """Check a released BriVL checkpoint key by key and convert it once to safetensors."""
        input:
            checkpoint=fetched(checkpoint_place(CONFIG.teacher)),
            vocabulary=fetched(CONFIG.teacher.vocabulary),
        output:
            TEACHER,
        log:
            f"{LOGS}/convert_checkpoint.log",
        benchmark:
            f"{BENCHMARKS}/convert_checkpoint.tsv"
        conda:
            "../envs/torch.yaml"
        resources:
            mem_mb=scaled(8000),
            runtime=scaled(30),
        params:
            checkpoint=checkpoint_place(CONFIG.teacher),
            teacher=CONFIG.teacher.model_dump(
                mode="json",
                include={
                    "kind",
                    "language",
                    "checkpoint_sha256",
                    "vocabulary",
                    "embedding_dim",
                    "image",
                    "text",
                },
            ),
            code=code_digest("wavbrivl.teacher.model"),
        script:
            "../workflow/scripts/convert_checkpoint.py"

else:

    rule train_teacher:
        """Train a small BriVL on the captions of the training clips, by BriVL's own objective."""
        input:
            media=media_lists(["train"]),
            texts=texts_are_there,
            vocabulary=fetched(CONFIG.teacher.vocabulary),
        output:
            TEACHER,
        log:
            f"{LOGS}/train_teacher.log",
        benchmark:
            f"{BENCHMARKS}/train_teacher.tsv"
        conda:
            "../envs/torch.yaml"
        threads: 2
        resources:
            mem_mb=scaled(3000),
            runtime=scaled(60),
            gpu=1,
        params:
            **settings("seed"),
            teacher=CONFIG.teacher.model_dump(
                mode="json",
                include={"kind", "language", "vocabulary", "embedding_dim", "image", "text", "training"},
            ),
            code=code_digest("wavbrivl.teacher.training"),
        script:
            "../workflow/scripts/train_teacher.py"
