"""Record a finished run in DVC, and bring a recorded one back.

    python -m wavbrivl.workflow.track record  [--run paper] [--configfile config/paper.yaml]
    python -m wavbrivl.workflow.track restore [--run paper]

The run of params.yaml is recorded in the root `dvc.yaml`. Any other has a pipeline of its own,
`tracks/<run>/dvc.yaml`, whose stages are frozen: it can be stored, compared and restored, and
`dvc repro` never starts its download.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import yaml

from wavbrivl.config import load_config
from wavbrivl.errors import UserError
from wavbrivl.files import write_text
from wavbrivl.workflow.pipeline import DEFAULT, Stage, as_yaml, pipeline, read_stages

PARAMS = Path("params.yaml")


def record(run: str, configfile: str, everything: bool = False) -> list[str]:
    """Store what a run has made, and write it down in the lock file beside its pipeline.

    Args:
        run: name of the run.
        configfile: its configuration file.
        everything: third-party clips and weights too.

    Returns:
        Sentences about what was recorded and what was not.

    Raises:
        UserError: nothing is there to record, or DVC fails.
    """
    if run == default_run():
        _dvc("commit", "--force", "dvc.yaml")
        return [f"recorded run '{run}' in dvc.lock"]
    config = load_config(Path(DEFAULT), Path(configfile))
    if config.run != run:
        raise UserError(f"{configfile} is the configuration of run '{config.run}', not of '{run}'")
    foreign = () if everything else _third_party(config)
    stages = read_stages(configfile, without=foreign)
    finished, said = _finished(stages)
    if not finished:
        raise UserError(f"run '{run}' has finished no stage yet: {said[0]}")
    file = track_file(run)
    shared = _without_others(finished, file)
    content = pipeline([stage for stage in finished if stage.outputs], run, configfile, frozen=True)
    for stage in content["stages"].values():
        stage["wdir"] = "../.."
    write_text(file, as_yaml(content))
    _dvc("commit", "--force", str(file))
    said += [f"stored with another run: {', '.join(shared)}"] if shared else []
    said += [f"not stored, being other people's: {', '.join(foreign)}"] if foreign else []
    return [f"recorded {', '.join(s.name for s in finished)} of run '{run}' in {file.parent}/dvc.lock", *said]


def restore(run: str, configfile: str) -> None:
    """Fetch a recorded run from the remote and put it in place; afterwards nothing is to be done.

    Raises:
        UserError: DVC or Snakemake fails.
    """
    _dvc("pull", "dvc.yaml" if run == default_run() else str(track_file(run)))
    # DVC restores contents, not times: Snakemake is told that everything is as new as it should be.
    _run([sys.executable, "-m", "snakemake", "--cores", "1", "--touch", "--configfile", configfile])


def track_file(run: str) -> Path:
    """The pipeline of a run that is not the default.

    Raises:
        UserError: a name that cannot be a run's.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", run):
        raise UserError(f"'{run}' is not the name of a run")
    return Path("tracks") / run / "dvc.yaml"


def default_run() -> str:
    """The run that `dvc repro` makes."""
    return str(yaml.safe_load(PARAMS.read_text(encoding="utf-8"))["run"])


def _third_party(config) -> tuple[str, ...]:
    """Beginnings of the paths that hold other people's videos and weights."""
    clips = () if config.corpus.format == "embedded" else (f"data/{config.corpus.name}/clips/",)
    weights = () if config.teacher.checkpoint is None else (f"results/{config.run}/teacher/",)
    return (*clips, *weights)


def _without_others(stages: list[Stage], file: Path) -> list[str]:
    """Take out of `stages` what another pipeline of this repository stores already; returns it."""
    taken: set[str] = set()
    for other in [Path("dvc.lock"), *Path("tracks").glob("*/dvc.lock")]:
        if other.exists() and other.parent != file.parent:
            lock = yaml.safe_load(other.read_text(encoding="utf-8"))
            taken |= {out["path"] for stage in lock["stages"].values() for out in stage.get("outs", [])}
    shared = sorted(taken & {path for stage in stages for path in stage.outputs})
    for stage in stages:
        stage.outputs = [path for path in stage.outputs if path not in taken]
    return shared


def _finished(stages: list[Stage]) -> tuple[list[Stage], list[str]]:
    """The stages, from the first on, whose outputs are all there, and a sentence on the first other one."""
    for number, stage in enumerate(stages):
        if missing := [path for path in stage.outputs if not Path(path).exists()]:
            return stages[:number], [f"{stage.name} is not finished ({missing[0]} is missing)"]
    return stages, []


def _dvc(*arguments: str) -> None:
    _run([sys.executable, "-m", "dvc", *arguments])


def _run(command: list[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise UserError(f"`{' '.join(command[2:])}` failed; it said why above")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["record", "restore"])
    parser.add_argument("--run", default=None, help="name of the run; the one of params.yaml by default")
    parser.add_argument("--configfile", help="its configuration file; config/<run>.yaml by default")
    parser.add_argument("--everything", action="store_true", help="store third-party clips and weights too")
    arguments = parser.parse_args()
    run = arguments.run or default_run()
    values = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    usual = values["configfile"] if run == values["run"] else f"config/{run}.yaml"
    try:
        if arguments.action == "restore":
            restore(run, arguments.configfile or usual)
            print(f"run '{run}' is in place")
        else:
            for sentence in record(run, arguments.configfile or usual, arguments.everything):
                print(sentence)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
