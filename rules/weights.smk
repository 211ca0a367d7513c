"""Weights and vocabularies of other people, each fetched once at a pinned revision; all else runs offline.

needs   a network; the registry (workflow/scripts/wavbrivl/weights/registry.yaml), the configuration
makes   data/weights/<name>/weights.json   beside the files: commit, licence, a checksum of each

snakemake --cores 1 data/weights/wavlm-base-plus/weights.json
"""

fetch_here("fetch_weights", "fetch_audio_models")


rule fetch_audio_models:
    """Every model of `evaluate.models` with a hub id; until they are there, their rows say that they are not."""
    input:
        [weights_record(name) for name, model in CONFIG.evaluate.models.items() if model.id],


rule fetch_weights:
    """Download a set of weights, compare every file with the pinned commit, put the folder in place."""
    output:
        weights_record("{weights}"),
    log:
        f"{LOGS}/fetch_weights/{{weights}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch_weights/{{weights}}.tsv"
    wildcard_constraints:
        weights="|".join(map(re.escape, WEIGHTS)),
    retries: 0
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(12 * 60),
        downloads=1,
    params:
        entry=lambda wildcards: WEIGHTS[wildcards.weights].model_dump(mode="json"),
    script:
        "../workflow/scripts/fetch_weights.py"
