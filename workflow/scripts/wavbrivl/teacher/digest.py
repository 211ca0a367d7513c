"""Which teacher it is, told by its files: what names the shared space."""

import hashlib
from pathlib import Path

from wavbrivl.files import sha256_of


def weights_digest(teacher: Path) -> str | None:
    """sha256 over the contents of a teacher's safetensors files, in order of name; None without any."""
    files = sorted(teacher.glob("*.safetensors"))
    if not files:
        return None
    return hashlib.sha256("".join(map(sha256_of, files)).encode()).hexdigest()
