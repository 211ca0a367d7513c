"""`wavbrivl index`."""

import argparse
import csv
import logging
from collections.abc import Sequence
from pathlib import Path

from wavbrivl.cli.items import add_model, embed_items, load
from wavbrivl.cli.output import print_json
from wavbrivl.errors import UserError

NAME = "index"
HELP = "make a search index of images or sounds"
EXAMPLE = """example:
  wavbrivl index --model results/demo/model --kind image --out photos.index holiday/ cat.jpg
  wavbrivl index --model results/demo/model --kind sound --out sounds.index library/ --metadata library.csv

Folders are walked for files of that kind. A metadata file is a CSV whose column `id` holds paths as they
are given or found here; its other columns come back with each hit. `wavbrivl search` reads the index."""

SUFFIXES = {
    "image": {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"},
    "sound": {
        ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".au", ".caf",
        ".wma", ".w64", ".mp4", ".mkv", ".webm", ".mov", ".avi",
    },
}  # fmt: skip
"""What is taken out of a folder; files that are named are taken whatever they are called."""

logger = logging.getLogger("wavbrivl")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add_model(parser)
    parser.add_argument("--kind", choices=tuple(SUFFIXES), required=True, help="what is indexed")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the index")
    parser.add_argument("--metadata", type=Path, metavar="FILE.csv", help="facts about the items, by `id`")
    parser.add_argument("items", nargs="+", metavar="PATH", help="files, and folders to walk")


def run(arguments: argparse.Namespace) -> int:
    """Embed what is to be found, write the index."""
    paths = find_items(arguments.items, arguments.kind)
    facts = read_metadata(arguments.metadata) if arguments.metadata else {}
    model = load(arguments)
    about = {"kind": arguments.kind, "teacher": model.space}
    embedded = embed_items(model, arguments.kind, paths)
    if unknown := [name for name in facts if name not in set(embedded.ids)]:
        said = "%s: %d ids are not in the index, first '%s'"
        logger.warning(said, arguments.metadata, len(unknown), unknown[0])
    from wavbrivl.api.index import SearchIndex

    metadata = [facts.get(name, {}) for name in embedded.ids]
    index = SearchIndex.build(embedded.projection, embedded.ids, metadata, about)
    index.save(arguments.out)
    made = {"index": str(arguments.out), "items": len(index), "failed": embedded.failures}
    if arguments.format == "json":
        print_json(made)
    else:
        print(f"{made['index']}: {made['items']} {arguments.kind}s, {made['failed']} could not be read")
    return int(embedded.failures > 0)


def find_items(paths: Sequence[str], kind: str) -> list[str]:
    """Files as they are named, and those of the kind below folders, sorted; each once.

    Raises:
        UserError: a folder without any.
    """
    found: dict[str, None] = {}
    for name in paths:
        if not Path(name).is_dir():
            found[name] = None
            continue
        below = sorted(p for p in Path(name).rglob("*") if p.suffix.lower() in SUFFIXES[kind] and p.is_file())
        if not below:
            raise UserError(f"{name}: there is no {kind} in this folder")
        found.update(dict.fromkeys(str(path) for path in below))
    return list(found)


def read_metadata(path: Path) -> dict[str, dict[str, str]]:
    """From each id to the other columns of its row.

    Raises:
        UserError: no such file, no column `id`, a malformed row or an id twice.
    """
    facts: dict[str, dict[str, str]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            if "id" not in (reader.fieldnames or []):
                raise UserError(f"{path}: the header has no column 'id'")
            for row in reader:
                if None in row or None in row.values():
                    raise UserError(
                        f"{path}, line {reader.line_num}: another number of cells than the header"
                    )
                name = row.pop("id")
                if name in facts:
                    raise UserError(f"{path}, line {reader.line_num}: the id '{name}' stands there twice")
                facts[name] = row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a CSV file ({error})") from None
    return facts
