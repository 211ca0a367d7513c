"""The most memory that something held: of this process, or on its GPU."""

import resource
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def reset_peak(device: torch.device) -> None:
    """Forget what was held before."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _RESET.exists():
        _RESET.write_text("5")  # Linux: the peak of resident memory starts again from what is held now


def peak_mib(device: torch.device) -> int:
    """MiB held at the most since `reset_peak`; without Linux's /proc, since the process began."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) >> 20
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
