"""Every way in which a host fails: what the ledger says, how often it was asked, and that nothing is lost."""

import contextlib
import tarfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.corpus_server import ScriptedServer
from tests.corpus_videos import CodedVideo, clip_of

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus import fetch as fetch_module
from wavbrivl.corpus import web
from wavbrivl.corpus.clips import Clip, write_manifest
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.ledger import LedgerRow, Status, read_ledger
from wavbrivl.corpus.sources.base import ClipSource
from wavbrivl.corpus.sources.http_clips import HttpSource
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


def fetch(folder: Path, clips: list[Clip], config: FetchConfig = FETCH) -> list[LedgerRow]:
    write_manifest(folder / "train-00000.csv", clips)
    source = YtDlpSource("direct", config)
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


# What each way of reaching a clip makes of each behaviour of the host: the status in the ledger, tries, and
# GET requests. yt-dlp looks at an address before it downloads it; ffmpeg reads tables, then the section.
WHOLE = {
    "200": (Status.OK, 1, 2),
    "403": (Status.FORBIDDEN, 2, 2),
    "404": (Status.NOT_FOUND, 1, 1),
    "410": (Status.GONE, 1, 1),
    "500": (Status.SERVER_ERROR, 2, 2),
    "503": (Status.SERVER_ERROR, 2, 2),
    "flaky": (Status.OK, 2, 3),
    "reset": (Status.NETWORK, 2, 4),
    "truncated": (Status.NETWORK, 2, 4),
    "overlong": (Status.NETWORK, 2, 4),
    "understated": (Status.UNDECODABLE, 1, 2),
    "html": (Status.UNSUPPORTED, 1, 1),
    "loop": (Status.UNSUPPORTED, 1, 31),
    "stall": (Status.TIMEOUT, 2, 4),
    "trickle": (Status.TIMEOUT, 2, 4),
}
SECTION = {  # a long video: yt-dlp finds it, and ffmpeg is refused, as YouTube's media hosts do it
    "200": (Status.OK, 1, 3),
    "flaky": (Status.OK, 2, 4),
    "later_403": (Status.FORBIDDEN, 2, 4),
    "later_404": (Status.NOT_FOUND, 1, 2),
    "later_500": (Status.SERVER_ERROR, 2, 4),
    "later_reset": (Status.NETWORK, 2, 4),
    "later_truncated": (Status.NETWORK, 2, 4),
    "later_overlong": (Status.OK, 1, 3),
    "later_html": (Status.UNDECODABLE, 1, 2),
    "later_loop": (Status.NETWORK, 2, 20),
    "later_stall": (Status.TIMEOUT, 2, 4),
    "later_trickle": (Status.TIMEOUT, 2, 4),
}
CLIPS = {  # files of clips under an address: two requests fewer, and three names are tried
    "200": (Status.OK, 1, 1),
    "403": (Status.FORBIDDEN, 2, 2),
    "404": (Status.MISSING, 1, 3),
    "410": (Status.GONE, 1, 1),
    "500": (Status.SERVER_ERROR, 2, 2),
    "flaky": (Status.OK, 2, 2),
    "reset": (Status.NETWORK, 2, 2),
    "truncated": (Status.NETWORK, 2, 2),
    "overlong": (Status.NETWORK, 2, 2),
    "understated": (Status.UNDECODABLE, 1, 1),
    "html": (Status.UNSUPPORTED, 1, 1),
    "loop": (Status.UNSUPPORTED, 1, 5),
    "stall": (Status.TIMEOUT, 2, 2),
    "trickle": (Status.TIMEOUT, 2, 2),
}
WAYS = {"whole": WHOLE, "section": SECTION, "clips": CLIPS}
CASES = [(way, behaviour) for way, cases in WAYS.items() for behaviour in cases]


class ClipsAnywhere(HttpSource):
    """Clips under an address that each clip's own row of the manifest gives."""

    def __init__(self, config: FetchConfig) -> None:
        super().__init__("http://127.0.0.1", config)

    def fetch(self, clips, folder):
        self.address = clips[0].address.rsplit("/", 1)[0]
        return super().fetch(clips, folder)


def source_of(way: str, config: FetchConfig) -> ClipSource:
    return (
        ClipsAnywhere(config) if way == "clips" else YtDlpSource("direct", config, sections=way == "section")
    )


@pytest.fixture(scope="module")
def fates(tmp_path_factory, coded_video: CodedVideo) -> dict[tuple[str, str], tuple[LedgerRow, int, bool]]:
    """For each way and behaviour: the row, the GET requests for it, and whether the shard's tar has it."""
    found = {}
    for way, cases in WAYS.items():
        slow = {b for b in cases if b.removeprefix("later_") in ("stall", "trickle")}
        for behaviours, timeout in ((set(cases) - slow, 20.0), (slow | {"200"}, 1.5)):
            folder = tmp_path_factory.mktemp(way)
            config = FETCH.model_copy(update={"timeout_seconds": timeout})
            with (
                ScriptedServer(coded_video.path.read_bytes()) as server,
                pytest.MonkeyPatch.context() as patch,
            ):
                patch.setattr(fetch_module, "FIRST_WAIT", 0.001)
                patch.setattr(web, "SLOWEST", 50_000)  # the trickle brings 20,000 bytes a second
                clips = {b: clip_of(b, 3000, 5000, server.address(b, b)) for b in sorted(behaviours)}
                write_manifest(folder / "m.csv", clips.values())
                paths = [folder / name for name in ("m.csv", "s.tar", "s.csv", "spool/s")]
                fetch_shard(*paths, [source_of(way, config)], config)
            rows = dict(zip(clips, read_ledger(folder / "s.csv"), strict=True))
            with tarfile.open(folder / "s.tar") as tar:
                names = tar.getnames()
            for b, row in rows.items():
                gets = sum(n for path, n in server.gets.items() if path.startswith(f"/{b}/"))
                found[way, b] = row, gets, f"{row.clip_id}.mp4" in names
    return found


@pytest.mark.parametrize("way, behaviour", CASES)
def test_a_failing_host_is_a_row_in_the_ledger(fates, way, behaviour):
    """One shard holds every behaviour beside a clip that is fine: none takes another one with it."""
    row, gets, kept = fates[way, behaviour]
    status, attempts, requests = WAYS[way][behaviour]
    assert (row.status, row.attempts, gets) == (status, attempts, requests), row
    assert bool(row.cause) == (status != Status.OK) == (not kept)


@pytest.mark.parametrize("way, refusal", [("whole", "429"), ("section", "later_429"), ("clips", "429")])
def test_429_stops_the_job_and_every_other(tmp_path, server, way, refusal):
    good, bad, never = clips_at(
        server.address("200"), server.address(refusal, "w"), server.address("200", "x")
    )
    write_manifest(tmp_path / "m.csv", [good, bad, never])
    paths = [tmp_path / name for name in ("m.csv", "s.tar", "s.csv", "spool/s")]
    with pytest.raises(UserError, match=r"rate-limited by 127\.0\.0\.1"):
        fetch_shard(*paths, [source_of(way, FETCH)], FETCH)
    asked = server.seen.total()
    assert not (tmp_path / "s.tar").exists() and not (tmp_path / "s.csv").exists()
    with pytest.raises(UserError, match="is not asked before"):  # another job, the same host
        fetch_shard(*paths[:3], tmp_path / "spool" / "other", [source_of(way, FETCH)], FETCH)
    assert server.seen.total() == asked
    for block in (tmp_path / "spool").glob("blocked-*"):
        block.unlink()
    write_manifest(tmp_path / "m.csv", [good, never])
    before = server.gets["/200/v.mp4"]
    fetch_shard(*paths, [source_of(way, FETCH)], FETCH)
    assert [row.status for row in read_ledger(tmp_path / "s.csv")] == [Status.OK, Status.OK]
    if way != "clips":  # whose two clips have one name and one address here
        assert server.gets["/200/v.mp4"] == before, "what was fetched before the stop is not asked for again"


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


class Proxy(ScriptedServer):
    """Answers for every host, as a proxy can: with the video."""

    def _handler(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                outer.seen["ffmpeg" if self.headers.get("Icy-MetaData") else self.path] += 1
                self.send_response(200)
                self.send_header("Content-Type", "video/mp4")
                self.send_header("Content-Length", str(len(outer.video)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(outer.video)

            def do_HEAD(self) -> None:
                self.do_GET()

        return Handler


def test_yt_dlp_and_ffmpeg_both_go_through_the_proxy(tmp_path, coded_video: CodedVideo):
    """The addresses that YouTube gives are good for the machine alone that asked for them."""
    write_manifest(tmp_path / "m.csv", clips_at("http://nowhere.invalid/v.mp4"))
    paths = [tmp_path / name for name in ("m.csv", "s.tar", "s.csv", "spool/s")]
    with Proxy(coded_video.path.read_bytes()) as server:
        proxy = server.address("x").rsplit("/", 2)[0]
        fetch_shard(*paths, [YtDlpSource("direct", FETCH, proxy=proxy, sections=True)], FETCH)
        assert [row.status for row in read_ledger(tmp_path / "s.csv")] == [Status.OK]
        assert server.seen["http://nowhere.invalid/v.mp4"] and server.seen["ffmpeg"]


@pytest.mark.parametrize("way", WAYS)
def test_without_a_network_the_job_stops_and_nothing_is_gone(tmp_path, way):
    write_manifest(
        tmp_path / "m.csv", clips_at("http://nowhere.invalid/v.mp4", "http://nowhere.invalid/w.mp4")
    )
    paths = [tmp_path / name for name in ("m.csv", "s.tar", "s.csv", "spool/s")]
    with pytest.raises(
        UserError, match=r"offline.*check the network connection.*nothing is recorded as gone"
    ):
        fetch_shard(*paths, [source_of(way, FETCH)], FETCH)
    assert not (tmp_path / "s.csv").exists() and not (tmp_path / "spool/s/journal.jsonl").exists()


def test_a_disk_that_is_nearly_full_stops_the_job_before_it_asks(tmp_path, server, monkeypatch):
    monkeypatch.setattr(fetch_module, "FREE_BYTES", 1 << 60)
    with pytest.raises(UserError, match=r"disk-full.*are free for .*free some space"):
        fetch(tmp_path, clips_at(server.address("200"), server.address("200", "w")))
    assert server.seen.total() == 0 and not (tmp_path / "s.csv").exists()


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
