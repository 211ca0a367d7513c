"""What the evaluation's rules read, and what their results are called: constants and functions, no rules.

needs   nothing
makes   nothing
"""

from wavbrivl.config.captions import CLOTHO_SPLITS, CORENLP_JARS
from wavbrivl.config.events import PLACES

WORLD_BENCHMARKS = "data/benchmarks/embedded"
LABELS = "workflow/scripts/wavbrivl/labels"
EMBEDDINGS = f"{RESULTS}/evaluation/embeddings"
LABEL_VECTORS = f"{RESULTS}/evaluation/labels"
SUPERVISED_LOGITS = f"{RESULTS}/evaluation/supervised"

BENCHMARK_TITLES = {"esc50": "ESC-50", "urbansound8k": "UrbanSound8K"}
BENCHMARK_TABLES = {"esc50": "meta/esc50.csv", "urbansound8k": "metadata/UrbanSound8K.csv"}
BENCHMARK_FOLDS = {"esc50": 5, "urbansound8k": 10}
OWN_BENCHMARKS = {name: getattr(CONFIG.evaluate, name).path for name in BENCHMARK_TITLES}

SHIPPED_WORDS = {"embedded": f"{WORLD}/labels.csv", "vegas": f"{LABELS}/vegas.csv"}
CORPUS_WORDS = CONFIG.evaluate.vggsound.translations or SHIPPED_WORDS.get(
    CONFIG.corpus.format, f"{LABELS}/vggsound.csv"
)

DESED_CONFIG = CONFIG.evaluate.desed
EMBEDDED_DESED = "data/benchmarks/embedded/DESED"
DESED = DESED_CONFIG.path or EMBEDDED_DESED
DESED_PARTS = list(type(DESED_CONFIG.embedded).model_fields)

CLOTHO_CONFIG = CONFIG.evaluate.clotho
EMBEDDED_CLOTHO = "data/benchmarks/embedded/Clotho"
CLOTHO = CLOTHO_CONFIG.path or EMBEDDED_CLOTHO
# The tables that name each sound's recording; a real folder may come without them.
CLOTHO_METADATA = [
    path
    for path in [f"{CLOTHO}/clotho_metadata_{split}.csv" for split in CLOTHO_SPLITS]
    if CLOTHO_CONFIG.path is None or Path(path).is_file()
]
# What SPICE needs and may not be there: once it is, captions are scored again.
CORENLP = [path for jar in CORENLP_JARS if Path(path := f"{CLOTHO_CONFIG.corenlp}/{jar}").is_file()]
CAPTION_ROWS = [*ENCODERS, "caption_frequency"]
ENGLISH = CONFIG.teacher.language == "en"


def words_are_there(wildcards):
    """Asked when the labels' texts enter the plan: before any job, and only where they are wanted."""
    lack = None if NO_CLASSES else lacks_words(CONFIG, PLAN, Path(CORPUS_WORDS))
    if lack and CORPUS_WORDS != f"{WORLD}/labels.csv":
        raise WorkflowError(lack)
    return []


def benchmark_folder(name):
    """Where a benchmark lies: the configured folder, or the embedded one."""
    return OWN_BENCHMARKS[name] or f"{WORLD_BENCHMARKS}/{BENCHMARK_TITLES[name]}"


def own_sounds(path, *folders):
    """A digest of the sound files of a configured dataset; those of an embedded one are made by a rule."""
    return sounds_digest(*(f"{path}/{folder}" for folder in folders)) if path else None


def benchmark_name(name):
    """What results call a benchmark, so that nobody takes the embedded one for the real one."""
    folder = OWN_BENCHMARKS[name]
    return Path(folder).name if folder else f"embedded benchmark in {BENCHMARK_TITLES[name]}'s layout"


def benchmark_words(name):
    """The file that translates a benchmark's labels."""
    if not OWN_BENCHMARKS[name]:
        return f"{WORLD}/labels.csv"
    return getattr(CONFIG.evaluate, name).translations or f"{LABELS}/{name}.csv"


def evaluation(*keys):
    """The parts of the section `evaluate` that a rule uses."""
    whole = settings("evaluate")["evaluate"]
    return {"evaluate": {key: whole[key] for key in keys}}


def encoder_files(wildcards):
    """What an encoder is built from: the exported model, its description alone, or weights of others."""
    parts = {"wavbrivl": ["config.json", "model.safetensors"], "random": ["config.json"]}
    if wildcards.encoder in parts:
        return [f"{RESULTS}/model/{part}" for part in parts[wildcards.encoder]]
    return weight_files(wildcards.encoder, CONFIG.evaluate.models)


def encoder_model(wildcards):
    """The entry of `evaluate.models` behind an encoder's name, if it has one."""
    models = settings("evaluate")["evaluate"]["models"]
    return {name: model for name, model in models.items() if name == wildcards.encoder}


def models_in_use():
    """The entries of `evaluate.models` that rows of the tables name."""
    models = settings("evaluate")["evaluate"]["models"]
    return {name: model for name, model in models.items() if name in ENCODERS}


def weights_in_use():
    """The files of weights of these."""
    return [path for name in models_in_use() for path in weight_files(name, CONFIG.evaluate.models)]


def embed_code(module):
    """The digest of a module and of the encoder's own."""

    def digest(wildcards):
        own = encoder_module(wildcards.encoder)
        if own.split(".")[0] == "wavbrivl":
            return code_digest(module, own)
        return [code_digest(module), foreign_digest(own)]

    return digest


def code_of_others():
    """Digests of encoders that are classes of somebody's own, for rules that run all encoders."""
    modules = foreign_modules(ENCODERS, CONFIG.evaluate.models)
    return {name: foreign_digest(module) for name, module in modules.items()}


def supervised_sounds(wildcards):
    """A benchmark, or the splits of the corpus."""
    if wildcards.dataset in BENCHMARK_TITLES:
        folder = benchmark_folder(wildcards.dataset)
        return {"table": f"{folder}/{BENCHMARK_TABLES[wildcards.dataset]}", "audio": f"{folder}/audio"}
    return {
        "media": media_lists(),
        "rows": expand(f"{RESULTS}/embeddings/{{split}}.csv", split=SPLITS),
    }


def supervised_logits(wildcards):
    """The logits of the training from scratch on the folds that it is tested on, if it is a row of the tables."""
    folds = BENCHMARK_FOLDS[wildcards.dataset]
    tested = min(CONFIG.evaluate.supervised.folds or folds, folds) if SUPERVISED in ROWS else 0
    return [f"{SUPERVISED_LOGITS}/{wildcards.dataset}/{fold + 1}.npz" for fold in range(tested)]


def class_title(task):
    """What a classification task's figures call its data."""
    return benchmark_name(task) if task in BENCHMARK_TITLES else CORPUS_NAME


def class_figures():
    """Two figures for each classification task, and one on the seeds of all of them."""
    figures = {}
    for task in LABELLED:
        for kind in ["confusion", "classes"]:
            figures[f"{task}_{kind}"] = report(
                f"{FIGURES}/{task}_{kind}.png",
                caption=f"../workflow/report/{kind}.rst",
                category="Classification",
                labels={"figure": f"{BENCHMARK_TITLES.get(task, 'VGG-Sound')}: {kind}"},
            )
    figures["seeds"] = report(
        f"{FIGURES}/seeds.png",
        caption="../workflow/report/seeds.rst",
        category="Classification",
        labels={"figure": "seeds of the head"},
    )
    return figures
