"""`wavbrivl embed`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wavbrivl.cli.items import KINDS, Embedded, add_model, embed_chunks, embed_items, load
from wavbrivl.cli.output import print_json, print_table
from wavbrivl.files import atomic

if TYPE_CHECKING:
    import numpy as np

NAME = "embed"
HELP = "embed sounds, images or texts"
EXAMPLE = """example:
  wavbrivl embed --model results/demo/model --out sounds.npz dog.wav rain.mp3 street.mp4
  wavbrivl embed --model results/demo/model --kind text --format json 狗叫 下雨

Sounds give `embedding` (for downstream tasks) and `projection` (unit length, comparable with images and
texts); images and texts give `projection`. A .npz holds these matrices and `ids`; np.load reads it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add_model(parser)
    parser.add_argument("--kind", choices=KINDS, default="sound", help="what the items are (default: sound)")
    parser.add_argument("--out", metavar="FILE.npz", type=_npz, help="write matrices instead of printing")
    parser.add_argument("items", nargs="+", metavar="ITEM", help="files, or texts with --kind text")


def run(arguments: argparse.Namespace) -> int:
    """Embed and print, or write."""
    if arguments.out:  # a place that cannot be is said before hours of embedding
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
    model = load(arguments)
    if arguments.out:
        embedded = embed_items(model, arguments.kind, arguments.items)
        _write(arguments.out, embedded)
        return _code(embedded.failures)
    failures = 0
    for embedded in embed_chunks(model, arguments.kind, arguments.items):
        _print(embedded, arguments.format)
        failures += embedded.failures
    return _code(failures)


def _npz(text: str) -> Path:
    if not text.endswith(".npz"):
        raise argparse.ArgumentTypeError(f"{text} does not end in .npz")
    return Path(text)


def _code(failures: int) -> int:
    return int(failures > 0)


def _write(path: Path, embedded: Embedded) -> None:
    import numpy as np

    matrices = {"ids": np.array(embedded.ids, dtype=np.str_), "projection": embedded.projection}
    if embedded.embedding is not None:
        matrices["embedding"] = embedded.embedding
    with atomic(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **matrices)


def _print(embedded: Embedded, style: str) -> None:
    columns = {"embedding": embedded.embedding, "projection": embedded.projection}
    present = {name: matrix for name, matrix in columns.items() if matrix is not None}
    if style == "json":
        for number, item in enumerate(embedded.ids):
            print_json({"item": item} | {name: matrix[number].tolist() for name, matrix in present.items()})
    elif embedded.ids:
        rows = [
            (item, *(_short(matrix[number]) for matrix in present.values()))
            for number, item in enumerate(embedded.ids)
        ]
        print_table(("item", *present), rows)


def _short(vector: "np.ndarray") -> str:
    return " ".join(f"{value:+.4f}" for value in vector[:4]) + f" ... ({len(vector)})"
