"""The licence that a model's own card states, on the hub or in its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

UNSTATED = "not stated in its folder"
_LONGEST = 200
"""Characters that are kept of a statement; cards are other people's text."""


def stated_licence(card: Any) -> str | None:
    """What the head of a card (`cardData` of the hub) says under `license`, or None.

    A licence that the hub has no word for is called `other` and has a name or an address beside it.
    """
    if not isinstance(card, Mapping) or not card.get("license"):
        return None
    licence = card["license"]
    words = [str(word) for word in licence] if isinstance(licence, list) else [str(licence)]
    if words == ["other"]:
        words += [str(card[key]) for key in ("license_name", "license_link") if card.get(key)]
    return " ".join(", ".join(words).split())[:_LONGEST]


def folder_licence(folder: Path) -> str:
    """What the README of a model's folder states at its head, between two lines of `---`."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
        first, _, rest = text.partition("\n")
        head = rest.partition("\n---")[0] if first.strip() == "---" else ""
        return stated_licence(yaml.safe_load(head)) or UNSTATED
    except (OSError, yaml.YAMLError):
        return UNSTATED
