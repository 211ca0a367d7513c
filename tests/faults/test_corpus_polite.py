"""Politeness: one pace for all jobs, a stop that stops at once, and what hangs is killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yt_dlp
from tests.corpus_server import ScriptedServer
from tests.corpus_videos import CodedVideo, clip_of

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus import pace as pace_module
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.clips import write_manifest
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.javascript import find_runtime
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.pace import wait_for_turn
from wavbrivl.corpus.sources.finder import options
from wavbrivl.corpus.sources.ytdlp import Finder, YtDlpSource
from wavbrivl.errors import UserError

HOST = "video.example.org"


class Trickle:
    """A host that sends one byte of its answer's head at a time, for ever: no read ever times out."""

    def __enter__(self) -> "Trickle":
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v.mp4"
        self._stop = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._socket.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self._stop.wait(0.1):
                connection.sendall(b"x")
        except OSError:
            pass


def request(address: str, folder: Path, **fetch) -> dict:
    config = FetchConfig(**fetch)
    return {
        "kind": "direct", "address": address, "folder": str(folder), "cookies": None, "proxy": None,
        "sections": False, "fetch": config.model_dump(mode="json"),
    }  # fmt: skip


def test_a_trickle_that_never_times_out_is_killed_and_the_next_video_is_served(
    tmp_path, coded_video: CodedVideo
):
    finder = Finder(timeout=1.5)
    with Trickle() as slow, ScriptedServer(coded_video.path.read_bytes()) as server:
        began = time.monotonic()
        with pytest.raises(SourceError, match="longer than 1.5 s") as caught:
            finder.ask(request(slow.address, tmp_path))
        assert caught.value.status == Status.TIMEOUT
        assert time.monotonic() - began < 30  # a hang, not a delay, is what would fail here
        finder.timeout = 30
        streams = finder.ask(request(server.address("200"), tmp_path))
        assert Path(streams[0]["location"]).read_bytes() == coded_video.path.read_bytes()
    finder.close()


def test_a_process_that_dies_is_a_row_and_not_the_end(tmp_path, coded_video: CodedVideo):
    finder = Finder(timeout=30)
    with ScriptedServer(coded_video.path.read_bytes()) as server:
        finder.ask(request(server.address("200"), tmp_path))
        os.killpg(finder._process.pid, signal.SIGKILL)
        finder._process.wait()
        with pytest.raises(SourceError, match="process ended"):
            finder.ask(request(server.address("200"), tmp_path))
        assert finder.ask(request(server.address("200"), tmp_path))
    finder.close()


def test_the_process_ends_with_the_job_that_was_killed(tmp_path):
    program = (
        "import sys, time; from wavbrivl.corpus.sources.ytdlp import Finder\n"
        "finder = Finder(60); process = finder._running(); print(process.pid, flush=True); time.sleep(60)"
    )
    job = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    child = int(job.stdout.readline())
    job.kill()
    job.wait()
    job.stdout.close()
    deadline = time.monotonic() + 20
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_yt_dlp_is_told_what_the_configuration_says(tmp_path):
    config = {
        "heights": [480, 360], "bytes_per_second": 500_000, "request_sleep_seconds": 0.75,
        "javascript": "node", "timeout_seconds": 7,
    }  # fmt: skip
    told = request("https://x/", tmp_path, **config) | {
        "kind": "youtube", "proxy": "http://proxy:3128", "cookies": "# Netscape HTTP Cookie File\n"
    }  # fmt: skip
    given = options(told)
    assert given["format"].startswith("bv*[height=480]") and "height=720" not in given["format"]
    assert given["ratelimit"] == 500_000 and given["sleep_interval_requests"] == 0.75
    assert given["proxy"] == "http://proxy:3128" and given["socket_timeout"] == 7
    assert given["js_runtimes"] == {"node": {}}
    assert given["cookiefile"].getvalue().startswith("# Netscape")
    assert given["allowed_extractors"] == ["youtube"] and not given["enable_file_urls"]
    assert [given[key] for key in given if key.endswith("retries")] == [0, 0, 0, 0]
    yt_dlp.YoutubeDL(given).close()


def test_youtubes_runtime_comes_with_the_packages(monkeypatch, caplog):
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_runtime("deno")
    YtDlpSource("youtube", FetchConfig())
    assert not caplog.text
    with yt_dlp.YoutubeDL({"quiet": True, "js_runtimes": {"deno": {}}}) as downloader:
        assert downloader._js_runtimes["deno"].info.supported


def test_a_missing_javascript_runtime_is_said_before_anything_is_asked(monkeypatch, caplog):
    monkeypatch.setenv("PATH", "/nowhere")
    YtDlpSource("youtube", FetchConfig(javascript="quickjs"))
    assert "quickjs is not installed (fetch.javascript)" in caplog.text
    caplog.clear()
    YtDlpSource("embedded", FetchConfig())
    assert not caplog.text


def test_one_pace_for_every_thread_and_job(tmp_path, monkeypatch):
    now, lock = [1000.0], threading.Lock()
    slept = []
    monkeypatch.setattr(pace_module.time, "time", lambda: now[0])

    def sleep(seconds: float) -> None:
        with lock:
            slept.append(round(seconds, 6))

    monkeypatch.setattr(pace_module.time, "sleep", sleep)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: wait_for_turn(tmp_path, HOST, 360), range(20)))
    assert sorted(slept) == [10.0 * i for i in range(20)], "twenty callers, twenty moments, ten seconds apart"
    now[0] += 10_000
    assert wait_for_turn(tmp_path, HOST, 360) == 0.0, "what was not used is not saved up"
    assert wait_for_turn(tmp_path, HOST, 360) == 10.0
    assert wait_for_turn(tmp_path, "other.example.org", 360) == 0.0
    assert wait_for_turn(tmp_path, HOST, None) == 0.0
    now[0] -= 1_000_000
    assert wait_for_turn(tmp_path, HOST, 360) == 0.0, "a clock that was set back holds nobody up"
    (tmp_path / f"pace-{HOST}.json").write_text("{torn")
    assert wait_for_turn(tmp_path, HOST, 360) == 0.0


def test_after_a_stop_no_other_video_is_begun(tmp_path, coded_video: CodedVideo):
    fetch = FetchConfig(attempts=1, timeout_seconds=5, workers=1)
    with ScriptedServer(coded_video.path.read_bytes()) as server:
        addresses = [server.address("429", "a"), *(server.address("200", f"v{i}") for i in range(5))]
        write_manifest(tmp_path / "m.csv", [clip_of(f"v{i}", 0, 1000, a) for i, a in enumerate(addresses)])
        paths = [tmp_path / name for name in ("m.csv", "s.tar", "s.csv", "spool/s")]
        with pytest.raises(UserError, match="rate-limited by"):
            fetch_shard(*paths, [YtDlpSource("direct", fetch)], fetch)
        assert set(server.seen) == {"/429/a.mp4"}
        block = json.loads(next((tmp_path / "spool").glob("blocked-*")).read_text())
        assert block["status"] == "rate-limited"
