"""What all evaluations share: each dataset's sounds embedded once by each encoder, and the labels' texts.

needs   the exported model, the teacher, benchmarks in their publishers' layouts, weights of others
makes   results/<run>/evaluation/embeddings/<dataset>/<encoder>.npz   one matrix a dataset and encoder
        results/<run>/evaluation/supervised/<dataset>/<fold>.npz      logits of the training from scratch
        results/<run>/evaluation/labels/<dataset>.npz                 label texts in the teacher's space
"""


rule embed_benchmark:
    """Embed a benchmark's sounds with one encoder."""
    input:
        table=lambda wildcards: f"{benchmark_folder(wildcards.dataset)}/{BENCHMARK_TABLES[wildcards.dataset]}",
        audio=lambda wildcards: f"{benchmark_folder(wildcards.dataset)}/audio",
        encoder=encoder_files,
    output:
        f"{EMBEDDINGS}/{{dataset}}/{{encoder}}.npz",
    log:
        f"{LOGS}/embed_benchmark/{{dataset}}-{{encoder}}.log",
    benchmark:
        f"{BENCHMARKS}/embed_benchmark/{{dataset}}-{{encoder}}.tsv"
    wildcard_constraints:
        dataset="|".join(BENCHMARK_TITLES),
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(3000),
        runtime=scaled(4 * 60),
        gpu=1,
    params:
        **settings("seed"),
        **evaluation("batch_size"),
        models=encoder_model,
        sounds=lambda wildcards: own_sounds(OWN_BENCHMARKS[wildcards.dataset], "audio"),
        folder=lambda wildcards: benchmark_folder(wildcards.dataset),
        name=lambda wildcards: benchmark_name(wildcards.dataset),
        code=embed_code("wavbrivl.evaluate.datasets"),
    script:
        "../workflow/scripts/embed_benchmark.py"


rule embed_corpus:
    """Embed the sounds of every split of the corpus with one encoder."""
    input:
        media=media_lists(),
        encoder=encoder_files,
    output:
        expand(f"{EMBEDDINGS}/{{split}}/{{{{encoder}}}}.npz", split=SPLITS),
    log:
        f"{LOGS}/embed_corpus/{{encoder}}.log",
    benchmark:
        f"{BENCHMARKS}/embed_corpus/{{encoder}}.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(6000),
        runtime=scaled(12 * 60),
        gpu=1,
    params:
        **settings("seed"),
        **evaluation("batch_size"),
        models=encoder_model,
        shards=PLAN.shards,
        code=embed_code("wavbrivl.evaluate.gallery"),
    script:
        "../workflow/scripts/embed_corpus.py"


rule embed_labels:
    """Ask the teacher's text tower for every label of every dataset, in all templates."""
    input:
        tables=[f"{benchmark_folder(name)}/{BENCHMARK_TABLES[name]}" for name in BENCHMARK_TITLES],
        words=[benchmark_words(name) for name in BENCHMARK_TITLES],
        rows=expand(f"{RESULTS}/embeddings/{{split}}.csv", split=SPLITS),
        corpus_words=CORPUS_WORDS,
        asked=words_are_there,
        teacher=TEACHER,
    output:
        expand(f"{LABEL_VECTORS}/{{dataset}}.npz", dataset=LABELLED),
    log:
        f"{LOGS}/embed_labels.log",
    benchmark:
        f"{BENCHMARKS}/embed_labels.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(3000),
        runtime=scaled(30),
        gpu=1,
    params:
        **settings("seed"),
        **evaluation("prompts"),
        datasets=LABELLED,
        code=code_digest(
            "wavbrivl.evaluate.datasets", "wavbrivl.evaluate.corpus_classes", "wavbrivl.evaluate.label_texts"
        ),
    script:
        "../workflow/scripts/embed_labels.py"


rule train_supervised:
    """Train the encoder's architecture from random weights on all folds but one, and test it on that one."""
    input:
        unpack(supervised_sounds),
        model=f"{RESULTS}/model/config.json",
        chosen=CHOSEN,
    output:
        f"{SUPERVISED_LOGITS}/{{dataset}}/{{fold}}.npz",
    log:
        f"{LOGS}/train_supervised/{{dataset}}-{{fold}}.log",
    benchmark:
        f"{BENCHMARKS}/train_supervised/{{dataset}}-{{fold}}.tsv"
    wildcard_constraints:
        fold="test|[0-9]+",
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(24 * 60),
        gpu=1,
    params:
        **settings("training", "seed"),
        **evaluation("supervised", "probe", "batch_size"),
        sounds=lambda wildcards: own_sounds(OWN_BENCHMARKS.get(wildcards.dataset), "audio"),
        folder=lambda wildcards: benchmark_folder(wildcards.dataset) if wildcards.fold != "test" else None,
        name=lambda wildcards: benchmark_name(wildcards.dataset) if wildcards.fold != "test" else CORPUS_NAME,
        shards=PLAN.shards,
        code=code_digest(
            "wavbrivl.evaluate.supervised",
            "wavbrivl.evaluate.datasets",
            "wavbrivl.evaluate.corpus_classes",
            "wavbrivl.train.chosen",
        ),
    script:
        "../workflow/scripts/train_supervised.py"
