"""Shared by all stages: the checked configuration, paths, shard names, code digests.

needs   the configuration; the clip list, where the corpus has one
makes   nothing
"""

import gc
import importlib.util
import re
import sys
from os.path import relpath


def use_this_checkout():
    """Import the package from this checkout, whatever else is installed."""
    folder = Path(workflow.basedir) / "workflow/scripts/wavbrivl"
    spec = importlib.util.spec_from_file_location(
        "wavbrivl", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules["wavbrivl"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["wavbrivl"])


use_this_checkout()

# A plan of thousands of jobs holds millions of objects and drops none: looking for garbage less often saves
# a tenth of the planning.
gc.set_threshold(200_000, 20, 100)

from snakemake.exceptions import WorkflowError
from wavbrivl.config import parse_config
from wavbrivl.config.corpus import EMBEDDED_VEGAS, VEGAS_CLASSES, is_address
from wavbrivl.corpus.freeze import fetchable, pending_shards, retry_mark
from wavbrivl.corpus.kept import key_of
from wavbrivl.corpus.registry import find_version, read_registry
from wavbrivl.corpus.manifest import PACK, pack_of
from wavbrivl.errors import UserError
from wavbrivl.evaluate.kinds import SUPERVISED, absent_weights, class_of, kind_of, weight_files
from wavbrivl.evaluate.places import metrics_path
from wavbrivl.weights.places import record_of as weights_record
from wavbrivl.weights.wanted import checkpoint_place, model_place
from wavbrivl.weights.wanted import entries as weights_entries
from wavbrivl.weights.wanted import name_of as weights_name
from wavbrivl.workflow.digest import code_digest
from wavbrivl.workflow.foreign import foreign_digest, foreign_modules
from wavbrivl.workflow.import_path import hand_down
from wavbrivl.workflow.orphans import cancel_orphans
from wavbrivl.workflow.plan import lacks_classes, lacks_labels, lacks_texts, lacks_words, plan_run
from wavbrivl.workflow.sounds import sounds_digest
from wavbrivl.workflow.stale_lock import release_stale_lock

hand_down()

STATE = Path(".snakemake")
ALONE = workflow.is_main_process and release_stale_lock(STATE)

try:
    CONFIG = parse_config(config)
    WEIGHTS = weights_entries(CONFIG)
    PLAN = plan_run(CONFIG, Path("data"))
except UserError as error:
    raise WorkflowError(str(error))

remote = any(source.remote for source in CONFIG.corpus.sources)
if remote and workflow.is_main_process and "downloads" not in workflow.global_resources:
    raise WorkflowError(
        "fetching from a remote host needs a cap on parallel requests: pass --resources downloads=2, "
        "or keep that line in the profile"
    )

# Every finished job looks for temporary files among all outputs of the jobs before it, which for thousands
# of shards takes half of the planning. Where none is declared, nobody need look.
if CONFIG.corpus.keep_clips and not any(source.kind == "archive" for source in CONFIG.corpus.sources):
    workflow.storage_settings.notemp = True

CORPUS = f"data/{CONFIG.corpus.name}"
CORPUS_NAME = "embedded corpus" if CONFIG.corpus.format == "embedded" else CONFIG.corpus.name
WORLD = "data/embedded/world"
RESULTS = f"results/{CONFIG.run}"
FIGURES = f"{RESULTS}/figures"
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
# Encoders whose weights are there, and the rows of tables: these and the training from scratch. An encoder
# without weights is no job but a sentence in the tables; when the weights have come, its jobs are planned.
ABSENT_ENCODERS = absent_weights(CONFIG.evaluate.encoders, CONFIG.evaluate.models)
ROWS = [name for name in CONFIG.evaluate.encoders if name not in ABSENT_ENCODERS]
ENCODERS = [name for name in ROWS if name != SUPERVISED]
UNLABELLED = lacks_labels(CONFIG)
NO_CLASSES = lacks_classes(CONFIG, PLAN)
LABELLED = ["esc50", "urbansound8k", *([] if NO_CLASSES else ["vggsound"])]
SPLITS = ["train", "validation", "test"]
ALL_SHARDS = [shard for split in SPLITS for shard in PLAN.shards[split]]


wildcard_constraints:
    shard=r"(train|validation|test)-\d{5}",
    pack=r"(train|validation|test)-\d{4}",


def shard_files(pattern, splits=SPLITS):
    """`pattern` for every shard of `splits`, in order."""
    names = [shard for split in splits for shard in PLAN.shards[split]]
    return [f"{CORPUS}/{pattern}".replace("{shard}", shard) for shard in names]


def media_lists(splits=SPLITS):
    """The lists of media shards of `splits`: what a rule takes that needs all of them."""
    return [f"{CORPUS}/media/{split}.shards.json" for split in splits]


def local_files(path):
    """The path as an input, where it is one of this machine and not an address."""
    return [] if is_address(path) else [path]


def fetched(path):
    """The path as an input; where it lies among fetched weights, the record that stands for its folder."""
    return weights_record(name) if (name := weights_name(path)) in WEIGHTS else path or []


def texts_are_there(wildcards):
    """Asked when the teacher's training enters the plan: before any job, and only where it is wanted."""
    if lack := lacks_texts(CONFIG):
        raise WorkflowError(lack)
    return []


def metrics_of(task, encoders=ENCODERS):
    """The metrics files of one task, in the order of `encoders`."""
    return [metrics_path(f"{RESULTS}/metrics", name, task) for name in encoders]


def encoder_module(name):
    """The module of an encoder, whose code decides what it makes of a sound."""
    return class_of(kind_of(name, CONFIG.evaluate.models))[0]


def settings(*sections):
    """Parts of the configuration as plain values, for the parameters of whoever uses them."""
    whole = CONFIG.model_dump(mode="json")
    return {name: whole[name] for name in sections}


def world_size(*keys):
    """The keys of the section `world` that a part of it depends on: the others' parts stay as they are."""
    return {key: getattr(CONFIG.world, key) for key in keys}


def scaled(amount):
    """Memory (MB) or time (minutes) that grows with each attempt that a profile allows."""
    return lambda wildcards, attempt: amount * attempt


def overlays():
    """The configuration files that are laid over the default, by their names from this folder."""
    names = [relpath(name) for name in workflow.overwrite_configfiles]
    return [name for name in names if name != "config/config.yaml"]


def fetch_here(*names):
    """Have rules that fetch run where Snakemake runs: compute nodes often have no network. A partition that the
    profile names for one of them (set-resources in profiles/slurm) sends it there instead.
    """
    named = workflow.resource_settings.overwrite_resources
    workflow.localrules(*(name for name in names if "slurm_partition" not in named.get(name, {})))


def cancel_orphans_of_dead_runs():
    """See wavbrivl.workflow.orphans."""
    try:
        if ALONE and (cancelled := cancel_orphans(STATE)):
            logger.info(f"Cancelled {len(cancelled)} Slurm jobs that a killed run of this folder had left.")
    except UserError as error:
        raise WorkflowError(str(error))


def asked_again(wildcards):
    """The mark of a shard that `retry_transient` wants run again; nothing for every other shard."""
    return [path] if (path := retry_mark(Path(CORPUS), wildcards.shard)).exists() else []


def shown_page(name, category, kind, title):
    """An output that the report shows."""
    return report(
        f"{RESULTS}/pages/{name}.html",
        caption=f"../workflow/report/{name}.rst",
        category=category,
        labels={kind: title},
    )
