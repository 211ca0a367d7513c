"""The frozen teacher, and the images of every split in its space.

needs   media shards; a BriVL checkpoint or a CLIP-like model where teacher.checkpoint or teacher.model names one
makes   results/<run>/teacher/                      configuration, weights, vocabulary or tokenizer
        results/<run>/embeddings/parts/<part>.npz   what each job embedded: up to ten shards
        results/<run>/embeddings/<split>.npy, .csv  one matrix a split, with its row order
        results/<run>/metrics/teacher.json          text-image retrieval on held-out frames
"""

TRAINED = CONFIG.teacher.kind == "brivl" and not CONFIG.teacher.checkpoint
TEACHER_OWN = {"brivl": ["vocab.txt"], "huggingface": ["huggingface"]}.get(CONFIG.teacher.kind, [])
# All that makes a teacher, so that whatever reads it asks for all of it: Snakemake does not run a rule anew
# that has an output which nobody asks for and which never was there, as after a change of the kind.
TEACHER = multiext(f"{RESULTS}/teacher/", "config.json", "model.safetensors", *TEACHER_OWN)
TEACHER += [f"{RESULTS}/teacher/training.jsonl"] if TRAINED else []
TEACHER_PARTS = [ALL_SHARDS[first : first + PACK] for first in range(0, len(ALL_SHARDS), PACK)]


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


rule embed_images:
    """Embed the frames of up to ten shards; goes on by shard where it was killed."""
    input:
        media=lambda wildcards: [
            f"{CORPUS}/media/{shard}.tar" for shard in TEACHER_PARTS[int(wildcards.part)]
        ],
        boxes=lambda wildcards: [
            f"{CONFIG.teacher.boxes}/{shard}.jsonl"
            for shard in TEACHER_PARTS[int(wildcards.part)]
            if CONFIG.teacher.boxes
        ],
        teacher=TEACHER,
    output:
        f"{RESULTS}/embeddings/parts/{{part}}.npz",
    log:
        f"{LOGS}/embed_images/{{part}}.log",
    benchmark:
        f"{BENCHMARKS}/embed_images/{{part}}.tsv"
    wildcard_constraints:
        part=r"\d{4}",
    conda:
        "../envs/torch.yaml"
    threads: 2
    resources:
        mem_mb=scaled(5000),
        runtime=scaled(4 * 60),
        gpu=1,
    params:
        **settings("seed"),
        frames=CONFIG.media.frames,
        views=CONFIG.teacher.views,
        batch_size=CONFIG.teacher.embed_batch_size,
        dtype=CONFIG.teacher.dtype,
        precision=CONFIG.teacher.precision,
        code=code_digest("wavbrivl.teacher.embed", "wavbrivl.teacher.model"),
    script:
        "../workflow/scripts/embed_images.py"


rule join_embeddings:
    """One matrix a split, with its row order."""
    input:
        parts=[f"{RESULTS}/embeddings/parts/{part:04d}.npz" for part in range(len(TEACHER_PARTS))],
        media=media_lists(),
    output:
        matrices=expand(f"{RESULTS}/embeddings/{{split}}.npy", split=SPLITS),
        rows=expand(f"{RESULTS}/embeddings/{{split}}.csv", split=SPLITS),
    log:
        f"{LOGS}/join_embeddings.log",
    benchmark:
        f"{BENCHMARKS}/join_embeddings.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        parts=TEACHER_PARTS,
        shards=PLAN.shards,
        code=code_digest("wavbrivl.teacher.join"),
    script:
        "../workflow/scripts/join_embeddings.py"


rule measure_teacher:
    """Text-image retrieval and zero-shot of the teacher itself, on held-out frames."""
    input:
        media=media_lists(["test"]),
        ledgers=shard_files("media/{shard}.ledger.csv", ["test"]),
        matrix=f"{RESULTS}/embeddings/test.npy",
        rows=f"{RESULTS}/embeddings/test.csv",
        teacher=TEACHER,
    output:
        f"{RESULTS}/metrics/teacher.json",
    log:
        f"{LOGS}/measure_teacher.log",
    benchmark:
        f"{BENCHMARKS}/measure_teacher.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(3000),
        runtime=scaled(60),
        gpu=1,
    params:
        **settings("seed"),
        evaluate={key: settings("evaluate")["evaluate"][key] for key in ["bootstrap", "prompts"]},
        dataset=CORPUS_NAME,
        code=code_digest("wavbrivl.teacher.evaluate", "wavbrivl.teacher.model"),
    script:
        "../workflow/scripts/measure_teacher.py"
