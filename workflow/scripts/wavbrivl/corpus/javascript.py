"""The JavaScript runtime that YouTube's pages need: where it is, if it is there."""

import shutil
import sysconfig
from pathlib import Path

PROGRAMS = {"deno": "deno", "node": "node", "bun": "bun", "quickjs": "qjs"}
"""Program of each runtime that yt-dlp knows, by yt-dlp's name of it."""
BESIDE_PYTHON = Path(sysconfig.get_path("scripts"))
"""Where packages put their programs, and yt-dlp looks first."""


def find_runtime(name: str) -> str | None:
    """Path of a runtime's program, from a package or on PATH."""
    return shutil.which(BESIDE_PYTHON / PROGRAMS[name]) or shutil.which(PROGRAMS[name])
