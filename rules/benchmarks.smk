"""The embedded world's benchmarks, written in their publishers' own layouts.

needs   nothing: the world's sounds are made here
makes   data/benchmarks/embedded/<benchmark>/   audio and its table, used where no path is configured
"""


rule make_esc50:
    """Write the embedded benchmark in ESC-50's layout, from other parameters than the videos'."""
    output:
        audio=directory(f"{WORLD_BENCHMARKS}/ESC-50/audio"),
        meta=f"{WORLD_BENCHMARKS}/ESC-50/meta/esc50.csv",
    log:
        f"{LOGS}/make_esc50.log",
    benchmark:
        f"{BENCHMARKS}/make_esc50.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        **settings("seed"),
        world=world_size("esc50_clips_per_class_and_fold"),
        code=code_digest("wavbrivl.world.benchmarks"),
    script:
        "../workflow/scripts/make_esc50.py"


rule make_urbansound8k:
    """Write the embedded benchmark in UrbanSound8K's layout: ten folds, any length, rate, depth and channels."""
    output:
        audio=directory(f"{WORLD_BENCHMARKS}/UrbanSound8K/audio"),
        meta=f"{WORLD_BENCHMARKS}/UrbanSound8K/metadata/UrbanSound8K.csv",
    log:
        f"{LOGS}/make_urbansound8k.log",
    benchmark:
        f"{BENCHMARKS}/make_urbansound8k.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        **settings("seed"),
        world=world_size("urbansound8k_clips_per_class_and_fold"),
        code=code_digest("wavbrivl.world.benchmarks_urbansound8k"),
    script:
        "../workflow/scripts/make_urbansound8k.py"
