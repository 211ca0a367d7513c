"""SIGKILL at many moments of fetching and extraction, then the same command: the same bytes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.corpus_server import ScriptedServer
from tests.corpus_videos import CodedVideo, clip_of

from wavbrivl.corpus.clips import write_manifest
from wavbrivl.corpus.ledger import LedgerRow, Status
from wavbrivl.corpus.spool import Spool

JOB = """
import sys
from pathlib import Path
from wavbrivl.config.corpus import FetchConfig, MediaConfig
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.media import extract_shard
from wavbrivl.corpus.sources.ytdlp import YtDlpSource
out, manifest = Path(sys.argv[1]), Path(sys.argv[2])
fetch = FetchConfig(workers=2)
tar, ledger = out / "clips.tar", out / "clips.csv"
print("began", flush=True)
if not (tar.exists() and ledger.exists()):
    sources = [YtDlpSource("direct", fetch)]
    fetch_shard(manifest, tar, ledger, out / "spool" / "s", sources, fetch, keep_in=out / "fetched")
extract_shard(tar, ledger, manifest, out / "media.tar", out / "media.csv", MediaConfig(), 7)
"""
VIDEOS = 4
KILLS = int(os.environ.get("WAVBRIVL_KILLS", "6"))


def start(out: Path, manifest: Path) -> subprocess.Popen:
    root = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-c", JOB, str(out), str(manifest)]
    job = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    job.stdout.readline()  # kills shall hit the work, not the imports
    return job


def finish(job: subprocess.Popen) -> int:
    code = job.wait(120)
    job.stdout.close()
    return code


def result(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file() and path.name[0] != "."}


def settled(out: Path) -> set[str]:
    """Videos that the journal calls settled at this moment."""
    journal = out / "spool" / "s" / "journal.jsonl"
    if not journal.exists():
        return set()
    whole = journal.read_text().rpartition("\n")[0].splitlines()
    return {row[0].rsplit("_", 2)[0] for line in whole for row in json.loads(line)}


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
        assert finish(start(undisturbed, manifest)) == 0
        length = time.monotonic() - began
        server.gets.clear()
        server.seen.clear()

        kills, moments, asked_in_vain = 0, random.Random(11), 0
        for _ in range(KILLS):
            before = settled(disturbed)
            asked = server.seen.copy()
            job = start(disturbed, manifest)
            try:
                job.wait(moments.uniform(0.0, 0.9) * length)
            except subprocess.TimeoutExpired:
                job.send_signal(signal.SIGKILL)
                kills += finish(job) == -signal.SIGKILL
            job.stdout.close()
            asked_in_vain += sum(server.seen[p] > asked[p] for p in server.seen if _video(p) in before)
        assert kills > 0
        before, asked = settled(disturbed), server.seen.copy()
        assert finish(start(disturbed, manifest)) == 0
        asked_in_vain += sum(server.seen[p] > asked[p] for p in server.seen if _video(p) in before)
        assert asked_in_vain == 0, "a video that was settled is never asked for again"
        assert result(disturbed) == result(undisturbed)
        assert not (disturbed / "spool" / "s").exists()


def _video(path: str) -> str:
    return Path(path).stem


def test_every_length_of_a_torn_journal_is_mended(tmp_path):
    rows = [[LedgerRow(f"v{i}_0_1000", Status.GONE, "removed, “really”", "youtube", 1)] for i in range(3)]
    whole = Spool(tmp_path / "whole")
    for row in rows:
        whole.keep(row)
    content = whole.journal.read_bytes()
    for length in range(len(content) + 1):
        folder = tmp_path / "torn"
        folder.mkdir(exist_ok=True)
        (folder / "journal.jsonl").write_bytes(content[:length])
        store = Spool(folder)
        assert len(store.settled()) == content[:length].count(b"\n")
        store.keep([LedgerRow("new_0_1000", Status.PRIVATE, "", "youtube", 1)])
        assert store.settled()["new_0_1000"].status == Status.PRIVATE


@pytest.mark.parametrize("damage", ["gone", "shorter"])
def test_a_clip_whose_file_is_not_whole_is_asked_for_again(tmp_path, damage):
    store = Spool(tmp_path / "s")
    store.put(LedgerRow("v_0_1000", Status.OK, "", "youtube", 1, 4, "ab"), b"1234")
    assert "v_0_1000" in store.settled()
    path = store.clip("v_0_1000")
    path.unlink() if damage == "gone" else path.write_bytes(b"12")
    assert store.settled() == {}
