"""What a measurement was made on, in words."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor, number of cores, system and Python version; no host or user name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    python = platform.python_version()
    return f"{model or platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {python}"
