"""Who judges drawings and what they are compared with; drawings by systems of others.

needs   the drawings of every study (generate.smk), media shards
makes   results/<run>/studies/judge/, features/   what was trained, and from which clips
        results/<run>/studies/*.items.csv         every drawing, judged
        results/<run>/metrics/judge.json, vegas_*.json
        results/<run>/generate/clip/, wav2clip/   drawings under CLIP's score, where its weights are there
"""

from wavbrivl.studies.networks import named_extractors
from wavbrivl.workflow.studies import drawn, lacking_clip, lacking_wav2clip, table3_tasks

STUDIED = f"{RESULTS}/studies"
TRUTH = f"{WORLD}/truth.csv" if CONFIG.corpus.format == "embedded" else []
JUDGE = multiext(f"{STUDIED}/judge/", "config.json", "model.safetensors", "clips.txt")
FEATURES = multiext(f"{STUDIED}/features/", "config.json", "model.safetensors", "clips.txt")
EXTRACTORS = named_extractors(CONFIG.studies.features)
TABLE3_METRICS = expand(f"{RESULTS}/metrics/{{task}}.json", task=table3_tasks(SETS))
# Systems of others are drawn with where their weights are there; else the figures say what is lacking.
CLIP, WAV2CLIP = lacking_clip(CONFIG), lacking_wav2clip(CONFIG)
CLIP_TEXTS = [] if CLIP else [f"{GENERATE}/clip/drawings/text/images.npy"]
WAV2CLIP_SOUNDS = [] if WAV2CLIP else [f"{GENERATE}/wav2clip/drawings/test/images.npy"]


rule train_judge:
    """Train the embedded judge on train frames, in their colours and in others."""
    input:
        media=media_lists(["train"]),
        truth=TRUTH,
    output:
        JUDGE,
    log:
        f"{LOGS}/train_judge.log",
    benchmark:
        f"{BENCHMARKS}/train_judge.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(3000),
        runtime=scaled(120),
        gpu=1,
    params:
        **settings("seed"),
        judge=settings("studies")["studies"]["judge"],
        code=code_digest("wavbrivl.studies.training", "wavbrivl.studies.judge"),
    script:
        "../workflow/scripts/train_judge.py"


rule train_features:
    """Train the classifier that FID, KID and Inception Score are computed on, on train frames."""
    input:
        media=media_lists(["train"]),
    output:
        FEATURES,
    log:
        f"{LOGS}/train_features.log",
    benchmark:
        f"{BENCHMARKS}/train_features.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(3000),
        runtime=scaled(120),
        gpu=1,
    params:
        **settings("seed"),
        features=settings("studies")["studies"]["features"],
        frames_in_memory=CONFIG.studies.judge.frames_in_memory,
        code=code_digest("wavbrivl.studies.training", "wavbrivl.studies.extractors"),
    script:
        "../workflow/scripts/train_features.py"


rule judge_drawings:
    """Judge every set of drawings, measure its distance to real frames, and the judge on real frames."""
    input:
        drawings=drawn(GENERATE, SETS),
        judge=JUDGE if CONFIG.studies.judge.kind == "embedded" else [],
        features=FEATURES,
        weights=fetched(CONFIG.studies.judge.clip),
        test=media_lists(["test"]),
        validation=media_lists(["validation"]),
        ledgers=shard_files("media/{shard}.ledger.csv", ["test"]),
        truth=TRUTH,
    output:
        judge=f"{RESULTS}/metrics/judge.json",
        real=f"{RESULTS}/metrics/vegas_real.json",
        sets=TABLE3_METRICS[2:],
        judged=f"{STUDIED}/drawings.items.csv",
        rounds=f"{STUDIED}/rounds.items.csv",
    log:
        f"{LOGS}/judge_drawings.log",
    benchmark:
        f"{BENCHMARKS}/judge_drawings.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(120),
        gpu=1,
    params:
        **settings("seed"),
        studies={name: settings("studies")["studies"][name] for name in ["judge", "features"]},
        extractors=EXTRACTORS,
        frames_in_memory=CONFIG.studies.judge.frames_in_memory,
        bootstrap=CONFIG.evaluate.bootstrap,
        dataset=CORPUS_NAME,
        code=code_digest("wavbrivl.studies.measure", "wavbrivl.studies.judge", "wavbrivl.studies.quality"),
    script:
        "../workflow/scripts/judge_drawings.py"


rule draw_clip_texts:
    """Draw the classes' names under CLIP's score instead of the teacher's."""
    input:
        conditions=f"{GENERATE}/conditions/text.npz",
        model=trained_files(GENERATE, CONFIG, "latent"),
        clip=fetched(CONFIG.studies.clip),
    output:
        [f"{GENERATE}/clip/drawings/text/{name}" for name in DRAWING_FILES],
    log:
        f"{LOGS}/draw_clip_texts.log",
    benchmark:
        f"{BENCHMARKS}/draw_clip_texts.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(6000),
        runtime=scaled(12 * 60),
        gpu=1,
    params:
        **settings("seed"),
        studies={"clip": CONFIG.studies.clip},
        prompts=CONFIG.studies.judge.prompts,
        latent=settings("generate")["generate"]["latent"],
        code=code_digest("wavbrivl.studies.clip_conditions", "wavbrivl.generate.latent"),
    script:
        "../workflow/scripts/draw_clip_texts.py"


rule draw_wav2clip:
    """Draw the held-out sounds under CLIP's score, from Wav2CLIP's embeddings."""
    input:
        conditions=f"{GENERATE}/conditions/test.npz",
        media=media_lists(["test"]),
        model=trained_files(GENERATE, CONFIG, "latent"),
        clip=fetched(CONFIG.studies.clip),
    output:
        [f"{GENERATE}/wav2clip/drawings/test/{name}" for name in DRAWING_FILES],
    log:
        f"{LOGS}/draw_wav2clip.log",
    benchmark:
        f"{BENCHMARKS}/draw_wav2clip.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        mem_mb=scaled(6000),
        runtime=scaled(12 * 60),
        gpu=1,
    params:
        **settings("seed"),
        studies={"clip": CONFIG.studies.clip},
        models={name: one.model_dump(mode="json") for name, one in CONFIG.evaluate.models.items()},
        batch_size=CONFIG.evaluate.batch_size,
        latent=settings("generate")["generate"]["latent"],
        code=code_digest(
            "wavbrivl.studies.clip_conditions",
            "wavbrivl.generate.latent",
            "wavbrivl.evaluate.encoders.wav2clip",
        ),
    script:
        "../workflow/scripts/draw_wav2clip.py"
