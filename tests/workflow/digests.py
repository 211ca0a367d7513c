"""What two runs must have in common: every file that they make, but for times and places."""

import hashlib
import re
from pathlib import Path

OWN = {
    "logs",
    "benchmarks",
    "tensorboard",
    "report.html",
    "report.zip",
    "resources.html",
    "last.pt",
    ".snakemake_timestamp",
    "manifest",
}
"""Names of files and folders that say how long something took, when, or (the manifest) in which folder."""
SECONDS = re.compile(rb'"\w+_seconds": [\d.e-]+')


def digests(root: Path) -> dict[str, str]:
    """SHA-256 of every file that a run makes, without times."""
    files = [path for folder in ("data", "results") for path in (root / folder).rglob("*") if path.is_file()]
    names = [path.relative_to(root) for path in files]
    return {
        name.as_posix(): hashlib.sha256(SECONDS.sub(b"", (root / name).read_bytes())).hexdigest()
        for name in names
        if not OWN & set(name.parts)
    }
