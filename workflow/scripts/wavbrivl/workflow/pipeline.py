"""The DVC pipeline of a run, read off the workflow itself: one stage for each of its targets.

`dvc.yaml` (python -m wavbrivl.workflow.pipeline) is the pipeline of the embedded default; another
run's is written by `wavbrivl.workflow.track`. Snakemake stays the only one that executes: a stage's
command is Snakemake with that target, and `persist` keeps DVC from deleting the outputs by which
Snakemake knows what is left to do.
"""

import argparse
import csv
import io
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wavbrivl.errors import UserError
from wavbrivl.files import write_text
from wavbrivl.workflow.digest import PACKAGE, files_of_script
from wavbrivl.workflow.rule_scripts import ROOT, rule_scripts

NEEDS: dict[str, tuple[str, ...]] = {
    "corpus": (),
    "teacher": ("corpus",),
    "train": ("corpus", "teacher"),
    "evaluate": ("corpus", "teacher", "train"),
    "generate": ("corpus", "teacher", "train"),
    "publish": ("corpus", "teacher", "train", "evaluate", "generate"),
}
"""Targets of the workflow in their order, with the ones whose outputs they read."""

SECTIONS: dict[str, tuple[str, ...]] = {
    "corpus": ("seed", "world", "corpus", "fetch", "media"),
    "teacher": ("models_of", "seed", "corpus", "media", "teacher", "evaluate"),
    "train": (
        *("models_of", "run", "seed", "corpus", "media", "teacher", "audio_encoder", "training", "search"),
    ),
    "evaluate": ("models_of", "seed", "world", "corpus", "teacher", "training", "search", "evaluate"),
    "generate": ("models_of", "seed", "corpus", "teacher", "evaluate", "generate", "studies"),
    "publish": (
        *("run", "seed", "corpus", "media", "teacher", "audio_encoder", "training", "search", "evaluate"),
        "studies",
    ),
}
"""Sections of the configuration that the rules of each target read."""

METRICS = "metrics.json"
CURVES = "figures/training_curves.csv"
DEFAULT = "config/config.yaml"
HEAD = "# Generated from the workflow (make config): one stage for each of its targets. Run in params.yaml.\n"


@dataclass
class Stage:
    """A target of the workflow.

    Attributes:
        name: the target.
        outputs: files and whole folders that only this target makes.
        code: files and folders of rules, scripts and package that make them.
    """

    name: str
    outputs: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)


def read_stages(configfile: str, without: Sequence[str] = ()) -> list[Stage]:
    """Ask the workflow for the outputs and rules of each target.

    Args:
        configfile: the run's configuration file.
        without: beginnings of paths that are left out.

    Raises:
        UserError: what Snakemake says where it cannot plan the run.
    """
    owner: dict[str, str] = {}
    rules: dict[str, set[str]] = {name: set() for name in NEEDS}
    for name in NEEDS:
        for path, rule in planned_outputs(name, configfile):
            if path not in owner:
                owner[path] = name
                rules[name].add(rule)
    kept = {path: name for path, name in owner.items() if not path.startswith(tuple(without))}
    outputs = _whole_folders(kept)
    return [
        Stage(name, sorted(p for p, n in outputs.items() if n == name), _code(rules[name])) for name in NEEDS
    ]


def planned_outputs(target: str, configfile: str) -> list[tuple[str, str]]:
    """Every output of a target's jobs, with its rule."""
    command = [sys.executable, "-m", "snakemake", target, "--summary", "--configfile", configfile]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise UserError(f"Snakemake cannot plan {configfile}: {done.stderr.strip()[-1000:]}")
    rows = csv.DictReader(io.StringIO(done.stdout), delimiter="\t")
    return [(row["output_file"], row["rule"]) for row in rows]


def _whole_folders(owner: Mapping[str, str]) -> dict[str, str]:
    """The fewest paths that hold all outputs and mix no stages.

    A folder of a run or a corpus is taken whole where everything in it comes from one stage; what
    lies there beside the outputs, such as TensorBoard's events, comes along.
    """
    found = {}
    for path, stage in owner.items():
        # Below a run or a corpus, and below the family of benchmarks.
        shallowest = 4 if path.startswith("data/benchmarks/") else 3
        folders = ["/".join(path.split("/")[:depth]) for depth in range(shallowest, path.count("/") + 1)]
        whole = [folder for folder in folders if _is_of(owner, f"{folder}/", stage)]
        found[whole[0] if whole else path] = stage
    return found


def _is_of(owner: Mapping[str, str], folder: str, stage: str) -> bool:
    return all(other == stage for path, other in owner.items() if path.startswith(folder))


def _code(rules: set[str]) -> list[str]:
    """Rule files, scripts, and the parts of the package that they import, folders whole."""
    wanted = [script for script in rule_scripts() if script.rule in rules]
    files = {ROOT / "rules/common.smk"} | {script.file for script in wanted} | {s.path for s in wanted}
    for script in wanted:
        for path in files_of_script(script.path):
            files.add(PACKAGE / path.relative_to(PACKAGE).parts[0])
    return sorted(path.relative_to(ROOT).as_posix() for path in files)


def pipeline(stages: Sequence[Stage], run: str, configfile: str, frozen: bool = False) -> dict[str, Any]:
    """The content of a `dvc.yaml`.

    Args:
        stages: from `read_stages`.
        run: name of the run.
        configfile: its configuration file.
        frozen: `dvc repro` never runs it, whatever has changed.
    """
    by_name = {stage.name: stage for stage in stages}
    content: dict[str, Any] = {"stages": {s.name: _stage(s, by_name, configfile, frozen) for s in stages}}
    content["metrics"] = [f"results/{run}/{METRICS}"]
    content["plots"] = [
        {f"results/{run}/{CURVES}": {"x": "step", "y": "loss", "title": "Training loss"}},
        f"results/{run}/figures",
    ]
    return content


def _stage(stage: Stage, by_name: Mapping[str, Stage], configfile: str, frozen: bool) -> dict[str, Any]:
    needed = [path for name in NEEDS[stage.name] if name in by_name for path in by_name[name].outputs]
    overlay = [] if configfile == DEFAULT else [configfile]
    described = {
        "cmd": f"snakemake --cores all --configfile {configfile} -- {stage.name}",
        "deps": [*overlay, *stage.code, *needed],
        "params": [{DEFAULT: list(SECTIONS[stage.name])}],
        "outs": [{path: {"persist": True}} for path in stage.outputs],
    }
    return described | ({"frozen": True} if frozen else {})


def default_pipeline(params: Path = Path("params.yaml")) -> str:
    """The text of the root `dvc.yaml`, in which run, corpus and configuration come from params.yaml."""
    values = yaml.safe_load(params.read_text(encoding="utf-8"))
    text = as_yaml(pipeline(read_stages(values["configfile"]), values["run"], values["configfile"]))
    for key, place in (("run", "results/{}/"), ("corpus", "data/{}/")):
        text = text.replace(place.format(values[key]), place.format(f"${{{key}}}"))
    return HEAD + text.replace(f"--configfile {values['configfile']}", "--configfile ${configfile}")


def as_yaml(content: Mapping[str, Any]) -> str:
    """In the order given, one thing a line."""
    return yaml.safe_dump(content, sort_keys=False, width=200, allow_unicode=True)


def main() -> int:
    """Write dvc.yaml, or with ``--check`` say whether it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if it is out of date")
    check = parser.parse_args().check
    path, text = Path("dvc.yaml"), default_pipeline()
    stale = not path.exists() or path.read_text(encoding="utf-8") != text
    if stale and not check:
        write_text(path, text)
    if stale:
        print(f"{path} is out of date" if check else f"wrote {path}")
    return int(stale and check)


if __name__ == "__main__":
    raise SystemExit(main())
