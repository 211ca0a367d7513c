"""`wavbrivl classify`."""

import argparse
from pathlib import Path

from wavbrivl.cli.items import add_model, embed_chunks, load, positive
from wavbrivl.cli.output import print_json, print_table
from wavbrivl.errors import UserError
from wavbrivl.labels.loader import SETS, label_file, plain
from wavbrivl.labels.loader import read_labels as read_table

NAME = "classify"
HELP = "classify sounds against any list of labels, without training"
EXAMPLE = """example:
  wavbrivl classify --model results/demo/model --labels 狗叫,下雨,钟声 dog.wav rain.mp3
  wavbrivl classify --model results/demo/model --label-set esc50 --top 3 --format json dog.wav

Each label is asked for with the project's templates in the teacher's language (or --template), and
compared by cosine. Released BriVL reads Chinese: --labels-file FILE.csv (label,zh) and --label-set
bring translations. Cosines are no probabilities."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add_model(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--labels", metavar="A,B,C", help="labels in the teacher's language")
    which.add_argument(
        "--labels-file",
        type=Path,
        metavar="FILE",
        help="a label a line, or a CSV file with the header label,zh",
    )
    which.add_argument("--label-set", choices=SETS, help="labels of a dataset, with their translations")
    parser.add_argument("--template", action="append", metavar="TEXT", help="prompt with {} for the label")
    parser.add_argument("--top", type=positive, default=5, metavar="N", help="labels to show (default: 5)")
    parser.add_argument("items", nargs="+", metavar="FILE", help="sounds, or videos with sound")


def run(arguments: argparse.Namespace) -> int:
    """Classify and print."""
    model = load(arguments)
    labels = read_labels(arguments, model.teacher.language)
    from wavbrivl.api.model import ranked, similarity

    vectors = model.label_vectors(labels, arguments.template)
    failures = 0
    for embedded in embed_chunks(model, "sound", arguments.items):
        scores = similarity(embedded.projection, vectors)
        found = [list(ranked(list(labels), row).items())[: arguments.top] for row in scores]
        _print(embedded.ids, found, arguments.format)
        failures += embedded.failures
    return int(failures > 0)


def read_labels(arguments: argparse.Namespace, language: str) -> dict[str, str]:
    """From each label to the words that the teacher is asked.

    Raises:
        UserError: a file that is absent or malformed, or no labels in it.
    """
    if arguments.labels:
        return {label: plain(label) for label in _distinct(arguments.labels.split(","), "--labels")}
    path = arguments.labels_file
    if path is None or path.suffix == ".csv":
        table = read_table(path or label_file(arguments.label_set))
        return {label: words if language == "zh" else label for label, words in table.items()}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as a list of labels ({error})") from None
    return {label: plain(label) for label in _distinct(lines, str(path))}


def _distinct(labels: list[str], origin: str) -> list[str]:
    labels = [label.strip() for label in labels if label.strip()]
    if not labels:
        raise UserError(f"{origin}: there are no labels")
    for number, label in enumerate(labels):
        if label in labels[:number]:
            raise UserError(f"{origin}: the label '{label}' is given twice")
    return labels


def _print(items: list[str], found: list[list[tuple[str, float]]], style: str) -> None:
    if style == "json":
        for item, labels in zip(items, found, strict=True):
            print_json({"item": item, "labels": [{"label": name, "cosine": score} for name, score in labels]})
    elif items:
        rows = [
            (item, str(rank), f"{score:+.4f}", name)
            for item, labels in zip(items, found, strict=True)
            for rank, (name, score) in enumerate(labels, start=1)
        ]
        print_table(("item", "rank", "cosine", "label"), rows)
