"""Time and memory of the retrieval of VGG-Sound's whole test split: 15,446 x 15,446 in 2048 dimensions."""

import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.ranking import ranks_both_ways
from wavbrivl.workflow.record import machine

CLIPS, DIM = 15_446, 2_048
LIMIT_MIB = 2_048


def retrieval_benchmark(clips: int = CLIPS, dim: int = DIM) -> dict[str, Any]:
    """Rank both directions in a process of its own, so that its peak is nobody else's.

    Returns:
        A record of name, value, unit, against, ratio, machine; the value is the peak in MiB, the ratio its
        share of the limit; `seconds` is what the ranking took.
    """
    command = [sys.executable, "-m", "wavbrivl.bench.retrieval", str(clips), str(dim)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    if done.returncode:
        raise UserError(f"the retrieval failed: {done.stderr.strip()[-500:]}")
    measured = json.loads(done.stdout)
    return {
        "name": "retrieval_15k",
        "value": measured["peak_mib"],
        "unit": f"MiB of peak memory for {clips} x {clips} at {dim} dimensions, both directions",
        "against": {"what": "the limit", "value": LIMIT_MIB},
        "ratio": round(measured["peak_mib"] / LIMIT_MIB, 2),
        "seconds": measured["seconds"],
        "machine": machine(),
    }


def main(clips: int, dim: int) -> None:
    """Rank made-up embeddings and print what it took."""
    generator = np.random.default_rng(1)
    sounds, images = (generator.standard_normal((clips, dim), dtype=np.float32) for _ in range(2))
    before = time.monotonic()
    found, _ = ranks_both_ways(sounds, images)
    seconds = time.monotonic() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    mrr = float(found.reciprocal().mean())
    print(json.dumps({"seconds": round(seconds, 1), "peak_mib": round(peak), "mrr": mrr}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
