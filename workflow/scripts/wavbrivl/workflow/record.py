"""The record that a run keeps of itself: configuration, versions, revision, machine."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch",
    "torchaudio",
    "transformers",
    "timm",
    "snakemake",
    "dvc",
    "yt-dlp",
    "decord",
    "ffmpeg-python",
    "numpy",
    "scikit-learn",
)


def run_record(config: dict[str, Any], root: Path) -> dict[str, Any]:
    """Everything that somebody needs to tell two runs apart; no host name, no paths, no secrets."""
    return {
        "config": config,
        "seed": config.get("seed"),
        "revision": _revision(root),
        "packages": {name: _version(name) for name in PACKAGES},
        "machine": machine(),
    }


def machine() -> str:
    """The machine in words: processor architecture, cores, memory, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {sys.version_info.major}.{sys.version_info.minor}"
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _revision(root: Path) -> str | None:
    """Commit of the checkout, with `-dirty` where tracked files are changed; None outside git."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
