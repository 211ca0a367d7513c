"""The model as a folder to pass on; made where it is asked for, not by a run.

needs   the exported model, its card with everything that was measured
makes   results/<run>/share/   the model's files, and the card as README.md

snakemake --cores all share
"""


rule share:
    """The model's folder with the numbers in its card."""
    input:
        f"{RESULTS}/share/README.md",


rule share_model:
    """Put the exported model and its card with metrics into one folder; the model's own stays as it is."""
    input:
        model=multiext(f"{RESULTS}/model/", "config.json", "model.safetensors", "preprocessor_config.json"),
        card=f"{RESULTS}/model_card.md",
    output:
        multiext(
            f"{RESULTS}/share/", "README.md", "config.json", "model.safetensors", "preprocessor_config.json"
        ),
    log:
        f"{LOGS}/share_model.log",
    benchmark:
        f"{BENCHMARKS}/share_model.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        code=code_digest("wavbrivl.train.share"),
    script:
        "../workflow/scripts/share_model.py"
