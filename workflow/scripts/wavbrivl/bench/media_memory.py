"""Memory of a media job beside that of a job eight times as long, each in a process of its own.

``python -m wavbrivl.bench.media_memory VIDEO CLIPS`` prints the most that one of its processes held, in MB.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from wavbrivl.config.corpus import MediaConfig
from wavbrivl.corpus.clips import Clip, clip_id, write_manifest
from wavbrivl.corpus.ledger import LedgerRow, Status, read_ledger, write_ledger
from wavbrivl.corpus.media import extract_shard
from wavbrivl.errors import UserError
from wavbrivl.shards.tar import TarWriter
from wavbrivl.workflow.record import machine

FEW, MANY = 50, 400


def memory_benchmark(video: Path, few: int = FEW, many: int = MANY) -> dict[str, Any]:
    """Extract shards of few and of many clips of one second, all from one video file.

    Returns:
        A record of name, value, unit, against, ratio, machine; the value is the most memory that the job or
        its decoding process held for the long shard, the ratio that to the short one's.
    """
    short, long = (_peak(video, count) for count in (few, many))
    return {
        "name": "media_memory",
        "value": long,
        "unit": f"MB at most in one process, for a shard of {many} clips",
        "against": {"what": f"the same for {few} clips", "value": short},
        "ratio": round(long / short, 3),
        "machine": machine(),
    }


def _peak(video: Path, count: int) -> float:
    command = [sys.executable, "-m", "wavbrivl.bench.media_memory", str(video), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1800)
    return float(done.stdout)


def _measure(video: Path, count: int) -> float:
    data = video.read_bytes()
    ids = [f"v{number:06d}" for number in range(count)]
    clips = [Clip(clip_id(name, 500, 1500), name, 500, 1500, "", "train") for name in ids]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest, tar, ledger = folder / "train-00000.csv", folder / "clips.tar", folder / "clips.csv"
        with tar.open("wb") as handle:
            writer = TarWriter(handle)
            for clip in clips:
                writer.add(f"{clip.clip_id}.mp4", data)
            writer.finish()
        write_manifest(manifest, clips)
        write_ledger(ledger, [LedgerRow(clip.clip_id, Status.OK, source="embedded") for clip in clips])
        extract_shard(tar, ledger, manifest, folder / "out.tar", folder / "out.csv", MediaConfig(), 7)
        if any(row.status != Status.OK for row in read_ledger(folder / "out.csv")):
            raise UserError(f"{video} cannot be extracted")
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(usage.ru_maxrss for usage in usages) / 1024


if __name__ == "__main__":
    print(_measure(Path(sys.argv[1]), int(sys.argv[2])))
