"""The audio encoder, trained into the teacher's space and exported.

needs   media shards of train and validation, their image embeddings
makes   results/<run>/training/   metrics.jsonl, best.safetensors (and last.pt, tensorboard/)
        results/<run>/model/      the model in the Hugging Face layout, with a card
"""

from wavbrivl.config.models import check_shares
from wavbrivl.config.search import points_of
from wavbrivl.train.deviations import deciding
from wavbrivl.train.provenance import corpus_facts, teacher_facts
from wavbrivl.workflow.resources import asked_gpus

# The points of a grid search (rules/search.smk); none by default.
POINTS = points_of(CONFIG.search, CONFIG.audio_encoder, CONFIG.training)
SEARCH = f"{RESULTS}/search"
# What names the chosen point, for every rule that describes or repeats the training; models of another run
# come with that run's.
CHOSEN = f"results/{CONFIG.models_of or CONFIG.run}/search/chosen.json" if POINTS else []
if CONFIG.models_of and CHOSEN and not Path(CHOSEN).is_file():
    CHOSEN = []

try:
    for training in [point.training for point in POINTS] or [CONFIG.training]:
        check_shares(training, asked_gpus(workflow, "train_point" if POINTS else "train_audio_encoder"))
except UserError as error:
    raise WorkflowError(str(error))

# What the model card says beside what the files tell. Not of the training's own parameters, so that no word
# of it trains anything again.
CARD = {
    "run": CONFIG.run,
    "seed": CONFIG.seed,
    "corpus": corpus_facts(CONFIG.corpus, CORPUS_NAME),
    "teacher": teacher_facts(CONFIG.teacher),
    "settings": deciding(CONFIG),
}


rule train:
    """The trained audio encoder."""
    input:
        f"{RESULTS}/model/model.safetensors",
        f"{RESULTS}/model/README.md",


rule train_audio_encoder:
    """Align the audio encoder with the frozen image embeddings, or take the grid search's best; goes on where
    it was killed.
    """
    input:
        media=media_lists(["train", "validation"]),
        matrices=expand(f"{RESULTS}/embeddings/{{split}}.npy", split=["train", "validation"]),
        rows=expand(f"{RESULTS}/embeddings/{{split}}.csv", split=["train", "validation"]),
        teacher=TEACHER,
        # With a grid each point has a backbone of its own, and its weights are there already.
        pretrained=[] if POINTS else fetched(CONFIG.audio_encoder.wavlm.pretrained),
        chosen=f"{SEARCH}/chosen.json" if POINTS else [],
    output:
        metrics=f"{RESULTS}/training/metrics.jsonl",
        best=f"{RESULTS}/training/best.safetensors",
        model=multiext(f"{RESULTS}/model/", "config.json", "model.safetensors", "preprocessor_config.json"),
    log:
        f"{LOGS}/train_audio_encoder.log",
    benchmark:
        f"{BENCHMARKS}/train_audio_encoder.tsv"
    # Half of the workflow waits for it; trainings of generators, one core each, would keep it waiting.
    priority: 1
    conda:
        "../envs/torch.yaml"
    threads: 2
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(3 * 24 * 60),
        gpu=1,
    params:
        **settings("audio_encoder", "training", "seed"),
        teacher={
            "kind": CONFIG.teacher.kind,
            "language": CONFIG.teacher.language,
            **(
                {"model": CONFIG.teacher.model}
                if CONFIG.teacher.model
                else {"dim": CONFIG.teacher.embedding_dim}
            ),
        },
        shards={split: PLAN.shards[split] for split in ["train", "validation"]},
        # A finished training is taken up again only by the code that made it.
        revision=code_digest("wavbrivl.train.launch"),
        code=code_digest("wavbrivl.train.launch", "wavbrivl.train.search", "wavbrivl.train.export"),
    script:
        "../workflow/scripts/train_audio_encoder.py"


rule describe_model:
    """The model card, as far as it can be written before anything is measured."""
    input:
        model=multiext(f"{RESULTS}/model/", "config.json", "model.safetensors"),
        best=f"{RESULTS}/training/best.safetensors",
        teacher=f"{RESULTS}/teacher/config.json",
        ledgers=shard_files("media/{shard}.ledger.csv", ["train", "validation"]),
        chosen=CHOSEN,
    output:
        f"{RESULTS}/model/README.md",
    log:
        f"{LOGS}/describe_model.log",
    benchmark:
        f"{BENCHMARKS}/describe_model.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        card=CARD,
        code=code_digest("wavbrivl.train.card"),
    script:
        "../workflow/scripts/describe_model.py"
