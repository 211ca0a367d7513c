"""The images of every split in the teacher's space, and how good the teacher itself is.

needs   the teacher (teacher.smk), media shards
makes   results/<run>/embeddings/parts/<part>.npz   what each job embedded: up to ten shards
        results/<run>/embeddings/<split>.npy, .csv  one matrix a split, with its row order
        results/<run>/metrics/teacher.json          text-image retrieval on held-out frames
"""

TEACHER_PARTS = [ALL_SHARDS[first : first + PACK] for first in range(0, len(ALL_SHARDS), PACK)]


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
