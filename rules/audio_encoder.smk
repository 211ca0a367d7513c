"""The audio encoder, trained into the teacher's space and exported.

needs   media shards of train and validation, their image embeddings
makes   results/<run>/training/   metrics.jsonl, best.safetensors (and last.pt, tensorboard/)
        results/<run>/model/      the model in the Hugging Face layout
"""


rule train:
    """The trained audio encoder."""
    input:
        f"{RESULTS}/model/model.safetensors",


rule train_audio_encoder:
    """Align the audio encoder with the frozen image embeddings; goes on where it was killed."""
    input:
        media=shard_files("media/{shard}.tar", ["train", "validation"]),
        index=shard_files("media/{shard}.index.json", ["train", "validation"]),
        matrices=expand(f"{RESULTS}/embeddings/{{split}}.npy", split=["train", "validation"]),
        rows=expand(f"{RESULTS}/embeddings/{{split}}.csv", split=["train", "validation"]),
        ledgers=shard_files("media/{shard}.ledger.csv", ["train", "validation"]),
    output:
        metrics=f"{RESULTS}/training/metrics.jsonl",
        best=f"{RESULTS}/training/best.safetensors",
        model=multiext(
            f"{RESULTS}/model/", "config.json", "model.safetensors", "preprocessor_config.json", "README.md"
        ),
    log:
        f"{LOGS}/train_audio_encoder.log",
    benchmark:
        f"{BENCHMARKS}/train_audio_encoder.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 2
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(3 * 24 * 60),
        gpu=1,
    params:
        **settings("audio_encoder", "training", "seed"),
        run=CONFIG.run,
        corpus={"name": CORPUS_NAME, "clip_seconds": CONFIG.corpus.clip_seconds},
        teacher={
            "kind": CONFIG.teacher.kind,
            "language": CONFIG.teacher.language,
            "dim": CONFIG.teacher.embedding_dim,
        },
        shards={split: PLAN.shards[split] for split in ["train", "validation"]},
        code=code_digest("wavbrivl.train.loop", "wavbrivl.train.export"),
    script:
        "../workflow/scripts/train_audio_encoder.py"
