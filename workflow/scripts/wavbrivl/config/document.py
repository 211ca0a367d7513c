"""Write the default YAML, the JSON schema and the table of keys from the typed models.

Run ``python -m wavbrivl.config.document`` after a change (``--check`` only compares).
"""

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any

import yaml
from pydantic.fields import FieldInfo

from wavbrivl.config.root import Config
from wavbrivl.config.section import Section

MARKER = "<!-- generated: every key -->"


def default_yaml() -> str:
    """The default configuration with each key's documentation above it."""
    head = [
        "# The embedded default: the whole pipeline at small size, without network, weights or a GPU.",
        "# Generated from the models in workflow/scripts/wavbrivl/config/ (make config);",
        "# other configurations are overlays that say only what differs (see paper.yaml).",
        "",
    ]
    return "\n".join(head + _section_lines(Config(), 0)) + "\n"


def json_schema() -> str:
    """The JSON schema, for editors and for other tools."""
    return json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def key_table() -> str:
    """A Markdown table of every key, its default and its meaning."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for key, value, field in _leaves(Config(), ""):
        rows.append(f"| `{key}` | `{_inline(value)}` | {_doc(field)} |".replace("\n", " "))
    return "\n".join(rows) + "\n"


def documents(folder: Path) -> dict[Path, str]:
    """Every generated file with its content."""
    readme = folder / "README.md"
    head = readme.read_text(encoding="utf-8").split(MARKER)[0] if readme.exists() else ""
    return {
        folder / "config.yaml": default_yaml(),
        folder / "schema.json": json_schema(),
        readme: f"{head}{MARKER}\n\n{key_table()}",
    }


def _section_lines(section: Section, indent: int) -> list[str]:
    lines: list[str] = []
    pad = "  " * indent
    for name, field in type(section).model_fields.items():
        value = _stated(section, name, field)
        lines += [f"{pad}# {line}" for line in textwrap.wrap(_doc(field), 100 - len(pad))]
        if isinstance(value, Section):
            lines += [f"{pad}{name}:", *_section_lines(value, indent + 1)]
        else:
            lines.append(f"{pad}{name}: {_inline(value)}")
        if indent == 0:
            lines.append("")
    return lines


def _stated(section: Section, name: str, field: FieldInfo) -> Any:
    """What the models state for a key; a section may complete it from its other keys, which is not stated."""
    return getattr(section, name) if name in section.model_fields_set else field.default


def _leaves(section: Section, prefix: str) -> list[tuple[str, Any, FieldInfo]]:
    found: list[tuple[str, Any, FieldInfo]] = []
    for name, field in type(section).model_fields.items():
        value = _stated(section, name, field)
        if isinstance(value, Section):
            found += _leaves(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", value, field))
    return found


def _inline(value: Any) -> str:
    if isinstance(value, (list, tuple)) and any(isinstance(item, Section) for item in value):
        value = [_plain(item) for item in value]
    if isinstance(value, dict):
        value = {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        value = list(value)
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def _plain(item: Any) -> Any:
    return item.model_dump(mode="json", exclude_none=True) if isinstance(item, Section) else item


def _doc(field: FieldInfo) -> str:
    if not field.description:
        raise ValueError(f"a configuration key has no documentation: {field}")
    return " ".join(field.description.split())


def main() -> int:
    """Write the generated files, or with ``--check`` say which of them differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if a file is out of date")
    parser.add_argument(
        "--folder", type=Path, default=Path("config"), help="folder of the configuration files"
    )
    arguments = parser.parse_args()
    stale = [path for path, text in documents(arguments.folder).items() if _differs(path, text)]
    for path in stale:
        print(f"{path} is out of date" if arguments.check else f"wrote {path}")
        if not arguments.check:
            path.write_text(documents(arguments.folder)[path], encoding="utf-8")
    return int(bool(stale) and arguments.check)


def _differs(path: Path, text: str) -> bool:
    return not path.exists() or path.read_text(encoding="utf-8") != text


if __name__ == "__main__":
    raise SystemExit(main())
