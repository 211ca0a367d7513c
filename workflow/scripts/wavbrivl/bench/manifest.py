"""How long the manifests of 2.28 million clips take, and how much memory: in a process of their own.

``python -m wavbrivl.bench.manifest FOLDER [SHRINK]`` prints what was measured as JSON.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from wavbrivl.bench.lists import write_audioset, write_vggsound
from wavbrivl.config.corpus import CorpusConfig, Source
from wavbrivl.corpus.lists import check_list, list_paths
from wavbrivl.corpus.manifest import PACK, build_manifest, split_pack
from wavbrivl.workflow.record import machine

SECONDS, MEGABYTES = 60.0, 2048


def manifest_benchmark(shrink: int = 1) -> dict[str, Any]:
    """Check, read, split, shard and write the lists of VGG-Sound and AudioSet.

    Returns:
        A record of name, value, unit, against, ratio, machine; the value is seconds, the ratio its share of
        the limit; `peak_mb` is the most memory, whose limit is 2,048.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "wavbrivl.bench.manifest", folder, str(shrink)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1800)
    found = json.loads(done.stdout)
    return {
        "name": "manifest_all",
        "value": round(found["seconds"], 1),
        "unit": f"seconds for the manifests of {found['clips']} clips in {found['shards']} shards",
        "against": {"what": "the limit", "value": SECONDS},
        "ratio": round(found["seconds"] / SECONDS, 2),
        "processor_seconds": round(found["processor_seconds"], 1),
        "peak_mb": found["peak_mb"],
        "machine": machine(),
    }


def _measure(folder: Path, shrink: int) -> dict[str, Any]:
    vggsound = write_vggsound(folder / "vggsound.csv", shrink)
    segments, names = write_audioset(folder, shrink)
    config = CorpusConfig(
        name="all",
        format="vggsound",
        clip_list=[str(vggsound), *({"path": str(path), "format": "audioset"} for path in segments)],
        audioset_labels=str(names),
        clip_seconds=10,
        clips_per_shard=1000,
        sources=[Source(kind="youtube")],
    )
    out, began, used = folder / "manifest", time.monotonic(), time.process_time()
    summary = check_list(config, folder / "checked")
    build_manifest(config, summary, 7, out, list_paths(config, folder, folder))
    for pack in (out / "packs").iterdir():
        split_pack(pack, [out / f"{pack.name}{digit}.csv" for digit in range(PACK)])
    return {
        "seconds": time.monotonic() - began,
        "processor_seconds": time.process_time() - used,
        "clips": sum(summary.rows.values()),
        "shards": sum(summary.shards.values()),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]), int(sys.argv[2]))))
