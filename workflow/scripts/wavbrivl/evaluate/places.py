"""Where the metrics file of an encoder and a task lies."""

from pathlib import PurePosixPath

TRAINED = "wavbrivl"
"""The encoder that the pipeline trains; its metrics files lie at the top."""


def metrics_path(folder: str, encoder: str, task: str) -> str:
    """`<folder>/<task>.json` for the trained encoder, `<folder>/<encoder>/<task>.json` for the others."""
    place = PurePosixPath(folder)
    return str((place if encoder == TRAINED else place / encoder) / f"{task}.json")
