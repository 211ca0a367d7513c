"""Every way in which a host fails: what the ledger says, how often it was asked, and that nothing is lost."""

import tarfile
from pathlib import Path

import pytest
from tests.corpus_server import ScriptedServer
from tests.corpus_videos import CodedVideo, clip_of

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus import fetch as fetch_module
from wavbrivl.corpus.clips import Clip, write_manifest
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.ledger import LedgerRow, Status, read_ledger
from wavbrivl.corpus.sources.ytdlp import YtDlpSource
from wavbrivl.errors import UserError

FETCH = FetchConfig(attempts=2, timeout_seconds=2, margin_seconds=0.2, workers=1)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "FIRST_WAIT", 0.001)


@pytest.fixture
def server(coded_video: CodedVideo):
    with ScriptedServer(coded_video.path.read_bytes()) as running:
        yield running


def fetch(
    folder: Path, clips: list[Clip], sections: bool = False, config: FetchConfig = FETCH
) -> list[LedgerRow]:
    write_manifest(folder / "train-00000.csv", clips)
    source = YtDlpSource("direct", config, sections=sections)
    fetch_shard(
        folder / "train-00000.csv",
        folder / "s.tar",
        folder / "s.csv",
        folder / "spool" / "s",
        [source],
        config,
    )
    return read_ledger(folder / "s.csv")


def clips_at(*addresses: str) -> list[Clip]:
    return [clip_of(f"v{i}", 3000, 5000, address) for i, address in enumerate(addresses)]


CASES = [  # behaviour, status, attempts, GETs at most
    ("200", Status.OK, 1, 2),
    ("403", Status.FORBIDDEN, 2, 2),
    ("404", Status.NOT_FOUND, 1, 1),
    ("410", Status.GONE, 1, 1),
    ("500", Status.SERVER_ERROR, 2, 2),
    ("503", Status.SERVER_ERROR, 2, 2),
    ("flaky", Status.OK, 2, 3),
    ("reset", Status.NETWORK, 2, 4),
    ("truncated", Status.NETWORK, 2, 4),
    ("stall", Status.TIMEOUT, 2, 4),
    ("trickle", Status.TIMEOUT, 2, 4),
    ("html", Status.UNSUPPORTED, 1, 2),
    ("loop", Status.UNSUPPORTED, 1, 32),
]


@pytest.mark.parametrize("behaviour, status, attempts, most", CASES)
def test_a_failing_host_is_a_row_in_the_ledger(tmp_path, server, behaviour, status, attempts, most):
    config = FETCH.model_copy(update={"timeout_seconds": 1.0 if status == Status.TIMEOUT else 5.0})
    rows = fetch(tmp_path, clips_at(server.address("200"), server.address(behaviour, "w")), config=config)
    assert [row.status for row in rows] == [Status.OK, status], rows
    assert rows[1].attempts == attempts
    assert bool(rows[1].cause) == (status != Status.OK)
    assert server.gets[f"/{behaviour}/w.mp4"] <= most
    with tarfile.open(tmp_path / "s.tar") as tar:
        assert tar.getnames() == [f"{row.clip_id}.mp4" for row in rows if row.status == Status.OK]


SECTION_CASES = [
    ("403", Status.FORBIDDEN, 2),
    ("404", Status.NOT_FOUND, 1),
    ("500", Status.SERVER_ERROR, 2),
    ("reset", Status.NETWORK, 2),
]


class Direct(YtDlpSource):
    """As for a long remote video, whose address yt-dlp has found: only sections are read."""

    def _streams(self, address, folder):
        from wavbrivl.corpus.cut import Stream

        return [Stream(address, {"X-Test": "1"})]


@pytest.mark.parametrize("behaviour, status, attempts", SECTION_CASES)
def test_a_section_that_fails_keeps_its_cause(tmp_path, server, behaviour, status, attempts):
    clips = clips_at(server.address("200"), server.address(behaviour, "w"))
    write_manifest(tmp_path / "m.csv", clips)
    paths = [tmp_path / name for name in ("m.csv", "s.tar", "s.csv", "spool/s")]
    fetch_shard(*paths, [Direct("direct", FETCH)], FETCH)
    rows = read_ledger(tmp_path / "s.csv")
    assert [(row.status, row.attempts) for row in rows] == [(Status.OK, 1), (status, attempts)], rows


@pytest.mark.parametrize("source", [YtDlpSource, Direct])
def test_429_stops_the_job_and_every_other(tmp_path, server, source):
    good, bad, never = clips_at(server.address("200"), server.address("429", "w"), server.address("200", "x"))
    write_manifest(tmp_path / "m.csv", [good, bad, never])
    paths = [tmp_path / name for name in ("m.csv", "s.tar", "s.csv", "spool/s")]
    with pytest.raises(UserError, match=r"rate-limited by 127\.0\.0\.1"):
        fetch_shard(*paths, [source("direct", FETCH)], FETCH)
    asked = server.seen.total()
    assert not (tmp_path / "s.tar").exists() and not (tmp_path / "s.csv").exists()
    with pytest.raises(UserError, match="is not asked before"):  # another job, the same host
        fetch_shard(*paths[:3], tmp_path / "spool" / "other", [source("direct", FETCH)], FETCH)
    assert server.seen.total() == asked
    for block in (tmp_path / "spool").glob("blocked-*"):
        block.unlink()
    write_manifest(tmp_path / "m.csv", [good, never])
    fetch_shard(*paths, [source("direct", FETCH)], FETCH)
    assert [row.status for row in read_ledger(tmp_path / "s.csv")] == [Status.OK, Status.OK]
    assert server.gets["/200/v.mp4"] <= 2, "what was fetched before the stop is not asked for again"


def test_retry_after_is_how_long_the_block_lasts(tmp_path, server, monkeypatch):
    import time

    with pytest.raises(UserError):
        fetch(tmp_path, clips_at(server.address("429")))
    later = time.time() + 78
    monkeypatch.setattr(time, "time", lambda: later)
    rows = fetch(tmp_path, clips_at(server.address("200")))
    assert rows[0].status == Status.OK


def test_refused_in_a_row_means_blocked_and_is_not_recorded(tmp_path, server):
    clips = [clip_of(f"v{i}", 3000, 5000, server.address("403", f"v{i}")) for i in range(9)]
    with pytest.raises(UserError, match=r"blocked .* videos in a row"):
        fetch(tmp_path, clips)
    assert not (tmp_path / "s.csv").exists()
    assert not (tmp_path / "spool" / "s" / "journal.jsonl").exists()


def test_a_video_is_fetched_once_for_all_its_clips(tmp_path, server):
    address = server.address("200")
    rows = fetch(tmp_path, [clip_of("v", start, start + 2000, address) for start in (0, 1500, 3000, 6000)])
    assert [row.status for row in rows] == [Status.OK] * 4
    assert server.gets["/200/v.mp4"] <= 2  # yt-dlp looks at the address, then downloads it


def test_a_file_address_is_for_the_embedded_world_alone(tmp_path, coded_video):
    rows = fetch(tmp_path, clips_at(coded_video.path.as_uri()))
    assert rows[0].status == Status.UNSUPPORTED and "file:" in rows[0].cause


def test_a_full_disk_stops_the_job(tmp_path, coded_video, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    clips = clips_at(coded_video.path.as_uri())
    write_manifest(tmp_path / "m.csv", clips)
    paths = [tmp_path / name for name in ("m.csv", "s.tar", "s.csv", "spool/s")]
    with monkeypatch.context() as patch:
        patch.setattr(fetch_module.os, "replace", full)
        with pytest.raises(UserError, match=r"disk-full.*free some space"):
            fetch_shard(*paths, [YtDlpSource("embedded", FETCH)], FETCH)
    assert not (tmp_path / "s.csv").exists()
    fetch_shard(*paths, [YtDlpSource("embedded", FETCH)], FETCH)
    assert read_ledger(tmp_path / "s.csv")[0].status == Status.OK
