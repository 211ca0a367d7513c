"""The frozen teacher: BriVL's towers, and the images of every split in their space.

needs   media shards; a BriVL checkpoint where teacher.checkpoint names one
makes   results/<run>/teacher/                      configuration, weights, vocabulary
        results/<run>/embeddings/<split>.npy, .csv  one matrix a split, with its row order
        results/<run>/metrics/teacher.json          text-image retrieval on held-out frames
"""


rule teacher:
    """The teacher and its image embeddings."""
    input:
        expand(f"{RESULTS}/embeddings/{{split}}.npy", split=SPLITS),
        f"{RESULTS}/metrics/teacher.json",


if CONFIG.teacher.checkpoint:

    rule convert_checkpoint:
        """Check a released BriVL checkpoint key by key and convert it once to safetensors."""
        input:
            checkpoint=CONFIG.teacher.checkpoint,
            vocabulary=CONFIG.teacher.vocabulary or [],
        output:
            multiext(f"{RESULTS}/teacher/", "config.json", "model.safetensors", "vocab.txt"),
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
            **settings("teacher"),
            code=code_digest("wavbrivl.teacher.model"),
        script:
            "../workflow/scripts/convert_checkpoint.py"

else:

    rule train_teacher:
        """Train a small BriVL on the captions of the training clips, by BriVL's own objective."""
        input:
            media=shard_files("media/{shard}.tar", ["train"]),
            index=shard_files("media/{shard}.index.json", ["train"]),
            texts=texts_are_there,
        output:
            multiext(f"{RESULTS}/teacher/", "config.json", "model.safetensors", "vocab.txt"),
            log=f"{RESULTS}/teacher/training.jsonl",
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
            **settings("teacher", "seed"),
            code=code_digest("wavbrivl.teacher.training"),
        script:
            "../workflow/scripts/train_teacher.py"


rule embed_images:
    """Embed the frames of every split once, and measure the teacher on held-out frames."""
    input:
        media=shard_files("media/{shard}.tar"),
        index=shard_files("media/{shard}.index.json"),
        ledgers=shard_files("media/{shard}.ledger.csv", ["test"]),
        teacher=multiext(f"{RESULTS}/teacher/", "config.json", "model.safetensors", "vocab.txt"),
    output:
        matrices=expand(f"{RESULTS}/embeddings/{{split}}.npy", split=SPLITS),
        rows=expand(f"{RESULTS}/embeddings/{{split}}.csv", split=SPLITS),
        metrics=f"{RESULTS}/metrics/teacher.json",
    log:
        f"{LOGS}/embed_images.log",
    benchmark:
        f"{BENCHMARKS}/embed_images.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 2
    resources:
        mem_mb=scaled(3000),
        runtime=scaled(12 * 60),
        gpu=1,
    params:
        **settings("seed"),
        batch_size=CONFIG.teacher.embed_batch_size,
        dtype=CONFIG.teacher.dtype,
        evaluate={key: settings("evaluate")["evaluate"][key] for key in ["bootstrap", "prompts"]},
        dataset=CORPUS_NAME,
        shards=PLAN.shards,
        code=code_digest("wavbrivl.teacher.embed", "wavbrivl.teacher.evaluate"),
    script:
        "../workflow/scripts/embed_images.py"
