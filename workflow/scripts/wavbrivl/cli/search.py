"""`wavbrivl search`."""

import argparse
from typing import TYPE_CHECKING

from wavbrivl.cli.items import KINDS, add_model, embed_items, load, positive
from wavbrivl.cli.output import print_json, print_table
from wavbrivl.errors import UserError

if TYPE_CHECKING:
    from wavbrivl.api.index import Hit

NAME = "search"
HELP = "search an index by sound, text or image"
EXAMPLE = """example:
  wavbrivl search --model results/demo/model --index photos.index dog.wav
  wavbrivl search --model results/demo/model --index sounds.index --kind text --top 3 狗叫"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add_model(parser)
    parser.add_argument("--index", required=True, metavar="DIR", help="made by `wavbrivl index`")
    parser.add_argument(
        "--kind", choices=KINDS, default="sound", help="what the queries are (default: sound)"
    )
    parser.add_argument("--top", type=positive, default=10, metavar="N", help="hits to show (default: 10)")
    parser.add_argument("items", nargs="+", metavar="QUERY", help="files, or texts with --kind text")


def run(arguments: argparse.Namespace) -> int:
    """Search and print."""
    from wavbrivl.api.index import SearchIndex

    index = SearchIndex.load(arguments.index)
    model = load(arguments)
    other = index.about.get("teacher")
    if model.space and other and model.space != other:
        raise UserError(f"{arguments.index} was made with another teacher than the model's; index anew")
    embedded = embed_items(model, arguments.kind, arguments.items)
    hits = index.search(embedded.projection, arguments.top)
    _print(embedded.ids, hits, arguments.format)
    return int(embedded.failures > 0)


def _print(queries: list[str], hits: list[list["Hit"]], style: str) -> None:
    if style == "json":
        for query, found in zip(queries, hits, strict=True):
            values = [{"id": hit.id, "cosine": hit.score, "metadata": dict(hit.metadata)} for hit in found]
            print_json({"query": query, "hits": values})
        return
    rows = [
        (query, str(rank), f"{hit.score:+.4f}", hit.id, " ".join(f"{k}={v}" for k, v in hit.metadata.items()))
        for query, found in zip(queries, hits, strict=True)
        for rank, hit in enumerate(found, start=1)
    ]
    print_table(("query", "rank", "cosine", "id", "metadata"), rows)
