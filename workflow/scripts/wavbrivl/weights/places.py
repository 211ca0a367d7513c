"""Where fetched weights lie. Imports nothing heavy."""

from pathlib import Path

WEIGHTS = Path("data/weights")
RECORD = "weights.json"
"""In each folder: where its files come from, the commit, and a checksum of every file."""


def record_of(name: str) -> str:
    """The record that stands for a fetched folder."""
    return (WEIGHTS / name / RECORD).as_posix()
