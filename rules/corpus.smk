"""Clips: from a list and its sources to media shards.

needs   the clip list and the sources that corpus.* names; nothing for the embedded default
makes   data/<corpus>/manifest/<shard>.csv      the clips of each shard (empty up to the next ten)
        data/<corpus>/clips/<shard>.tar         the cut videos (the only stage with a network)
        data/<corpus>/media/<shard>.tar         sound and frames, with an index and a ledger
"""

# While the corpus is frozen, no rule makes a shard that is there; one that is not, or that an earlier frozen
# run made, is `pending`. Thawed, their parameter changes: they run again, and the finished ones do not.
PENDING = pending_shards(ALL_SHARDS, Path(CORPUS)) if CONFIG.corpus.freeze else set()
FETCHABLE = fetchable(ALL_SHARDS, Path(CORPUS), PENDING) if CONFIG.corpus.freeze else r"[a-z]+-\d{5}"
ARCHIVES = {source.collected: source.path for source in CONFIG.corpus.sources if source.kind == "archive"}

fetch_here("collect_archive", "fetch_clips")


rule corpus:
    """Everything up to the media shards."""
    input:
        media_lists(),


rule build_manifest:
    """Decide which clips there are, what split each belongs to and which shard holds it."""
    input:
        clip_list=PLAN.lists,
        names=CONFIG.corpus.audioset_labels or [],
        excluded=CONFIG.corpus.exclude_videos_in,
    output:
        packs=sorted({f"{CORPUS}/manifest/packs/{pack_of(shard)}" for shard in ALL_SHARDS}),
        summary=f"{CORPUS}/manifest/summary.json",
    log:
        f"{LOGS}/build_manifest.log",
    benchmark:
        f"{BENCHMARKS}/build_manifest.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(30),
    params:
        **settings("seed"),
        corpus=CONFIG.corpus.of_manifest(),
        summary=PLAN.summary._asdict(),
        code=code_digest("wavbrivl.corpus.manifest"),
    script:
        "../workflow/scripts/build_manifest.py"


rule split_manifest:
    """Take the manifests of ten shards out of their pack; those past the last shard are empty."""
    input:
        f"{CORPUS}/manifest/packs/{{pack}}",
    output:
        [f"{CORPUS}/manifest/{{pack}}{digit}.csv" for digit in range(PACK)],
    log:
        f"{LOGS}/split_manifest/{{pack}}.log",
    benchmark:
        f"{BENCHMARKS}/split_manifest/{{pack}}.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        code=code_digest("wavbrivl.corpus.manifest"),
    script:
        "../workflow/scripts/split_manifest.py"


rule collect_archive:
    """Stream one archive of clips once, and keep the members that the manifests want, with an index."""
    input:
        manifests=shard_files("manifest/{shard}.csv"),
        archive=lambda wildcards: local_files(ARCHIVES[wildcards.archive]),
    output:
        clips=temp(f"{CORPUS}/archives/{{archive}}.clips"),
        index=f"{CORPUS}/archives/{{archive}}.index.json",
    log:
        f"{LOGS}/collect_archive/{{archive}}.log",
    benchmark:
        f"{BENCHMARKS}/collect_archive/{{archive}}.tsv"
    retries: 0
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(24 * 60),
        downloads=1,
    params:
        **settings("fetch"),
        archive=lambda wildcards: ARCHIVES[wildcards.archive],
        code=code_digest("wavbrivl.corpus.archive"),
    script:
        "../workflow/scripts/collect_archive.py"


rule fetch_clips:
    """Fetch the videos of one shard, each once, and cut its clips out without re-encoding."""
    input:
        asked_again if Path(CORPUS, "retries").exists() else [],
        manifest=f"{CORPUS}/manifest/{{shard}}.csv",
        world=VIDEOS,
        archives=expand(f"{CORPUS}/archives/{{archive}}.clips", archive=ARCHIVES),
    output:
        clips=(
            f"{CORPUS}/clips/{{shard}}.tar"
            if CONFIG.corpus.keep_clips
            else temp(f"{CORPUS}/clips/{{shard}}.tar")
        ),
        ledger=f"{CORPUS}/clips/{{shard}}.ledger.csv",
    log:
        f"{LOGS}/fetch_clips/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch_clips/{{shard}}.tsv"
    wildcard_constraints:
        shard=FETCHABLE,
    retries: 0
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(12 * 60),
        downloads=1,
    params:
        key=key_of(CONFIG.fetch, [source.kind for source in CONFIG.corpus.sources]),
        frozen=(lambda wildcards: wildcards.shard in PENDING) if PENDING else False,
        code=code_digest("wavbrivl.corpus.fetch", "wavbrivl.corpus.sources"),
    script:
        "../workflow/scripts/fetch_clips.py"


rule extract_media:
    """Decode the clips of one shard once: 16 kHz sound, square frames, quality columns."""
    input:
        manifest=f"{CORPUS}/manifest/{{shard}}.csv",
        clips=f"{CORPUS}/clips/{{shard}}.tar",
        ledger=f"{CORPUS}/clips/{{shard}}.ledger.csv",
    output:
        media=f"{CORPUS}/media/{{shard}}.tar",
        index=f"{CORPUS}/media/{{shard}}.index.json",
        ledger=f"{CORPUS}/media/{{shard}}.ledger.csv",
    log:
        f"{LOGS}/extract_media/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/extract_media/{{shard}}.tsv"
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(60),
    params:
        **settings("media", "seed"),
        code=code_digest("wavbrivl.corpus.media"),
    script:
        "../workflow/scripts/extract_media.py"


rule list_media:
    """List the media shards of a split with their checksums: of thousands of inputs of each later rule, one."""
    input:
        lambda wildcards: shard_files("media/{shard}.tar", [wildcards.split]),
    output:
        f"{CORPUS}/media/{{split}}.shards.json",
    log:
        f"{LOGS}/list_media/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/list_media/{{split}}.tsv"
    wildcard_constraints:
        split="|".join(SPLITS),
    conda:
        "../envs/media.yaml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        code=code_digest("wavbrivl.shards.reader"),
    script:
        "../workflow/scripts/list_media.py"
