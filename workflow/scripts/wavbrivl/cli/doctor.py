"""`wavbrivl doctor`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wavbrivl.cli.output import print_json, print_table
from wavbrivl.errors import UserError

if TYPE_CHECKING:
    from wavbrivl.findings import Finding

NAME = "doctor"
HELP = "check this machine, a dataset, a model or a BriVL checkpoint"
EXAMPLE = """example:
  wavbrivl doctor
  wavbrivl doctor --model results/demo/model --dataset data/benchmarks/ESC-50
  wavbrivl doctor --checkpoint data/checkpoints/brivl-with-roberta-base.pth --images golden/

Every line is ok, a warning, absent (something optional is not there) or failed; any failed line makes
the exit code 1. Datasets: ESC-50, UrbanSound8K, DESED, Clotho, VEGAS, VGG-Sound."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="a released BriVL checkpoint")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="BriVL's three published images, for the golden vectors of a checkpoint or a model's teacher",
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a dataset's folder (repeatable)",
    )
    parser.add_argument("--as", dest="name", metavar="NAME", help="which dataset it is, if it cannot be told")
    parser.add_argument("--model", type=Path, metavar="DIR", help="an exported model's folder")
    parser.add_argument("--teacher", type=Path, metavar="DIR", help="the teacher's folder, for --model")


def run(arguments: argparse.Namespace) -> int:
    """Check what was asked for, and always the machine."""
    findings = _findings(arguments)
    if arguments.format == "json":
        for finding in findings:
            print_json({"subject": finding.subject, "state": finding.state, "message": finding.message})
    else:
        print_table(("subject", "state", "message"), [(f.subject, f.state, f.message) for f in findings])
    asked = [path for path in (arguments.checkpoint, arguments.model, *arguments.dataset) if path is not None]
    return int(any(f.state == "failed" for f in findings) or not all(path.exists() for path in asked))


def _findings(arguments: argparse.Namespace) -> list["Finding"]:
    from wavbrivl.doctor.machine import inspect_machine
    from wavbrivl.findings import Finding

    findings = inspect_machine(Path.cwd())
    if arguments.checkpoint:
        from wavbrivl.teacher.report import inspect_checkpoint

        findings += inspect_checkpoint(arguments.checkpoint, arguments.images)
    for folder in arguments.dataset:
        from wavbrivl.doctor.datasets import inspect_dataset

        try:
            findings += inspect_dataset(folder, arguments.name)
        except UserError as error:
            findings.append(Finding("dataset", "failed", str(error)))
    if arguments.images and not (arguments.checkpoint or arguments.model):
        words = "--images has no use without --checkpoint or --model: there are no embeddings to compare"
        findings.append(Finding("golden images", "warning", words))
    if arguments.model:
        from wavbrivl.doctor.model import inspect_model

        findings += inspect_model(arguments.model, arguments.teacher, arguments.images)
    return findings
