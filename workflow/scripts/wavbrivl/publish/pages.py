"""Tables and records as pages: Snakemake's report shows HTML where one reads; other texts it downloads."""

import csv
import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from wavbrivl.errors import UserError
from wavbrivl.files import read_json, write_text

STYLE = """
body { font: 13px/1.45 system-ui, sans-serif; color: #1f2933; background: #fff; margin: 1.2rem; }
h1, h2 { font-size: 1.15rem; margin: 1.2rem 0 0.6rem; }
.wide { overflow-x: auto; }
table { width: max-content; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { min-width: 6rem; max-width: 22rem; padding: 0.3rem 0.7rem; }
th, td { border-bottom: 1px solid #d9e2ec; text-align: left; vertical-align: top; }
th { background: #f0f4f8; position: sticky; top: 0; }
tr:hover td { background: #f7fafc; }
td.bar { min-width: 12rem; }
td.bar div { background: #7b9fd4; height: 0.7rem; margin-top: 0.25rem; }
pre { font-size: 13px; }
"""


def page(title: str, body: str) -> str:
    """A whole page of HTML; `title` is escaped, `body` is not."""
    head = f"<meta charset='utf-8'><title>{html.escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html>\n<html lang='en'><head>{head}</head>\n<body>{body}</body></html>\n"


def from_markdown(text: str) -> str:
    """Markdown with tables as HTML; HTML in it is shown as text, but for line breaks in cells."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    body = parser.render(text).replace("&lt;br&gt;", "<br>")
    return body.replace("<table>", "<div class='wide'><table>").replace("</table>", "</table></div>")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table of texts and numbers; everything is escaped."""

    def line(cells: Sequence[Any], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<div class='wide'><table>{line(head, 'th')}{body}</table></div>"


def from_csv(path: Path) -> str:
    """A CSV file as a table, its first row as the head."""
    with Path(path).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    return table(rows[0], rows[1:]) if rows else "<p>no rows</p>"


def from_record(record: Mapping[str, Any]) -> str:
    """A nested record: what is flat first, then a table for each part, keys joined by dots."""
    flat = {key: value for key, value in record.items() if not isinstance(value, dict)}
    parts = [table(["", ""], flat.items())]
    for key, value in record.items():
        if isinstance(value, dict):
            parts.append(f"<h2>{html.escape(key)}</h2>" + table(["key", "value"], _leaves(value)))
    return "".join(parts)


def _leaves(record: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def write_page(path: Path, title: str, source: Path) -> None:
    """Make a page of a `.md`, `.csv`, `.json` or `.txt` file.

    Raises:
        UserError: another kind of file.
    """
    source = Path(source)
    if source.suffix == ".csv":
        body = from_csv(source)
    elif source.suffix == ".json":
        body = from_record(read_json(source))
    elif source.suffix == ".md":
        body = from_markdown(source.read_text(encoding="utf-8"))
    elif source.suffix == ".txt":
        body = f"<pre>{html.escape(source.read_text(encoding='utf-8'))}</pre>"
    else:
        raise UserError(f"{source}: a page is made of .md, .csv, .json or .txt")
    write_text(Path(path), page(title, body))
