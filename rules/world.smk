"""The embedded world: what a run without a corpus of its own fetches its clips from.

needs   nothing
makes   data/embedded/world/   videos, their list, their hidden parameters and words for their labels
        the same clips in VEGAS's layout, where corpus.format is `vegas` and names no path
"""

EMBEDDED_CLIPS = CONFIG.corpus.format == "vegas" and not CONFIG.corpus.sources[0].path
VEGAS_VIDEOS = [f"{EMBEDDED_VEGAS}/{name}/videos" for name in VEGAS_CLASSES]
VIDEOS = f"{WORLD}/videos" if CONFIG.corpus.format == "embedded" else VEGAS_VIDEOS if EMBEDDED_CLIPS else []


rule make_world:
    """Write the embedded world: videos with sound, their list and their hidden parameters."""
    output:
        videos=directory(f"{WORLD}/videos"),
        clips=f"{WORLD}/clips.csv",
        truth=f"{WORLD}/truth.csv",
        labels=f"{WORLD}/labels.csv",
    log:
        f"{LOGS}/make_world.log",
    benchmark:
        f"{BENCHMARKS}/make_world.tsv"
    conda:
        "../envs/media.yaml"
    threads: 2
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(30),
    params:
        **settings("seed"),
        world=world_size("train_videos", "test_videos", "broken_sources"),
        code=code_digest("wavbrivl.world.make"),
    script:
        "../workflow/scripts/make_world.py"


rule make_vegas:
    """Write clips of the embedded world in VEGAS's layout, for corpus.format `vegas` without a path."""
    output:
        videos=[directory(folder) for folder in VEGAS_VIDEOS],
        tables=[f"{EMBEDDED_VEGAS}/{name}/video_info.csv" for name in VEGAS_CLASSES],
    log:
        f"{LOGS}/make_vegas.log",
    benchmark:
        f"{BENCHMARKS}/make_vegas.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        **settings("seed"),
        world=world_size("vegas_clips_per_class"),
        code=code_digest("wavbrivl.world.vegas"),
    script:
        "../workflow/scripts/make_vegas.py"
