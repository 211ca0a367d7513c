"""Benchmarks and clip lists, fetched through the registry: checked, unpacked safely, never half there.

needs   a network; the registry (workflow/scripts/wavbrivl/corpus/registry.yaml)
makes   data/benchmarks/<dataset>/dataset.json   beside the files, in the publisher's layout

snakemake --cores 1 data/benchmarks/ESC-50/dataset.json
"""

fetch_here("fetch_dataset")


rule fetch_dataset:
    """Download a registered dataset, check it, unpack it, put the folder in place."""
    output:
        "data/benchmarks/{dataset}/dataset.json",
    log:
        f"{LOGS}/fetch_dataset/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch_dataset/{{dataset}}.tsv"
    wildcard_constraints:
        dataset="|".join(map(re.escape, read_registry())),
    retries: 0
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(12 * 60),
        downloads=1,
    params:
        entry=lambda wildcards: find_version(wildcards.dataset)[1].model_dump(mode="json"),
    script:
        "../workflow/scripts/fetch_dataset.py"
