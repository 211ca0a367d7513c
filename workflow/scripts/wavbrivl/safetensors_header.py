"""The head of a safetensors file, read without any library: names, shapes and notes, no weights."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from wavbrivl.errors import UserError

_LIMIT = 100_000_000
"""Bytes of a header; safetensors itself refuses longer ones."""


class Header(NamedTuple):
    """shapes: of every tensor, by name. notes: the file's metadata."""

    shapes: dict[str, tuple[int, ...]]
    notes: dict[str, str]

    @property
    def values(self) -> int:
        """How many numbers all tensors hold together."""
        return sum(math.prod(shape) for shape in self.shapes.values())


def read_header(path: Path) -> Header:
    """Read the head alone, a few kilobytes of a file of any size.

    Raises:
        UserError: it is not there, or no safetensors file.
    """
    try:
        with path.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if not 0 < length <= _LIMIT:
                raise ValueError(f"a header of {length} bytes")
            content: dict[str, Any] = json.loads(handle.read(length))
        notes = content.pop("__metadata__", {})
        return Header({name: tuple(entry["shape"]) for name, entry in content.items()}, notes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be read as safetensors ({error})") from None
