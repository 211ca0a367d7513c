"""SIGKILL at any moment of fetching and extraction, then the same command: the same bytes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.corpus_server import ScriptedServer
from tests.corpus_videos import CodedVideo, clip_of

from wavbrivl.corpus.clips import write_manifest

JOB = """
import json, sys
from pathlib import Path
from wavbrivl.config.corpus import FetchConfig, MediaConfig
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.media import extract_shard
from wavbrivl.corpus.sources.ytdlp import YtDlpSource
out, manifest = Path(sys.argv[1]), Path(sys.argv[2])
fetch = FetchConfig(workers=2)
tar, ledger = out / "clips.tar", out / "clips.csv"
if not (tar.exists() and ledger.exists()):
    fetch_shard(manifest, tar, ledger, out / "spool" / "s", [YtDlpSource("direct", fetch)], fetch)
extract_shard(tar, ledger, manifest, out / "media.tar", out / "media.csv", MediaConfig(), 7)
"""
VIDEOS = 4


def start(out: Path, manifest: Path) -> subprocess.Popen:
    root = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
    environment = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.Popen([sys.executable, "-c", JOB, str(out), str(manifest)], env=environment)


def result(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file() and path.name[0] != "."}


def test_a_kill_at_any_moment_loses_nothing(tmp_path, coded_video: CodedVideo):
    with ScriptedServer(coded_video.path.read_bytes()) as server:
        clips = [
            clip_of(f"v{i}", begin, begin + 1500, server.address("200", f"v{i}"))
            for i in range(VIDEOS)
            for begin in (500, 3100)
        ]
        clips.append(clip_of("gone", 0, 1500, server.address("410", "gone")))
        manifest = tmp_path / "train-00000.csv"
        write_manifest(manifest, clips)
        undisturbed, disturbed = tmp_path / "a", tmp_path / "b"
        undisturbed.mkdir()
        disturbed.mkdir()
        began = time.monotonic()
        assert start(undisturbed, manifest).wait(60) == 0
        length = time.monotonic() - began
        usual = server.gets.copy()
        server.gets.clear()

        kills = 0
        moments = random.Random(11)
        for _ in range(3):
            job = start(disturbed, manifest)
            try:
                job.wait(moments.uniform(0.3, 0.9) * length)
            except subprocess.TimeoutExpired:
                job.send_signal(signal.SIGKILL)
                kills += job.wait(10) == -signal.SIGKILL
        assert kills > 0
        assert start(disturbed, manifest).wait(60) == 0
        assert result(disturbed) == result(undisturbed)
        assert not (disturbed / "spool" / "s").exists()
        # What was in flight at a kill is asked for again (two workers); what was settled never is.
        assert server.gets.total() <= usual.total() + kills * 2 * max(usual.values()), json.dumps(server.gets)
