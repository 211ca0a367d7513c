"""Figures of drawn pictures: beside real frames, of chosen clips, from the classes' names.

needs   drawings, media shards of the test split
makes   results/<run>/figures/{drawings,clips,text}.png
"""


rule study_clips:
    """What each system draws from the sounds of chosen clips, below their real frames."""
    input:
        drawings=[*drawn(GENERATE, SETS, "test"), *WAV2CLIP_SOUNDS],
        media=media_lists(["test"]),
    output:
        report(
            f"{FIGURES}/clips.png",
            caption="../workflow/report/clips.rst",
            category="Drawings",
            labels={"figure": "clips (the paper's Figure 5)"},
        ),
    log:
        f"{LOGS}/study_clips.log",
    benchmark:
        f"{BENCHMARKS}/study_clips.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        **settings("seed"),
        clips=CONFIG.studies.clips,
        absent=WAV2CLIP and f"Wav2CLIP: {WAV2CLIP}",
        code=code_digest("wavbrivl.studies.folders", "wavbrivl.publish.study_figures"),
    script:
        "../workflow/scripts/study_clips.py"


rule study_pictures:
    """Drawings of every class beside real frames, and from the classes' names."""
    input:
        drawings=[*drawn(GENERATE, SETS, "test", "text"), *CLIP_TEXTS, *WAV2CLIP_SOUNDS],
        media=media_lists(["test"]),
    output:
        drawings=report(
            f"{FIGURES}/drawings.png",
            caption="../workflow/report/drawings.rst",
            category="Drawings",
            labels={"figure": "drawings beside real frames"},
        ),
        text=report(
            f"{FIGURES}/text.png",
            caption="../workflow/report/text.rst",
            category="Drawings",
            labels={"figure": "from text (the paper's Figure 2)"},
        ),
    log:
        f"{LOGS}/study_pictures.log",
    benchmark:
        f"{BENCHMARKS}/study_pictures.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        absent=CLIP and f"with a CLIP teacher: {CLIP}",
        code=code_digest("wavbrivl.studies.folders", "wavbrivl.publish.study_figures"),
    script:
        "../workflow/scripts/study_pictures.py"
