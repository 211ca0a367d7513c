"""Frozen, thawed, retried, run again: what was fetched is never asked for again, requests are counted."""

import tarfile
from pathlib import Path

import pytest
from tests.corpus_server import ScriptedServer
from tests.corpus_videos import CodedVideo, clip_of

from wavbrivl.config.corpus import CorpusConfig, FetchConfig
from wavbrivl.corpus import fetch as fetch_module
from wavbrivl.corpus.clips import write_manifest
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.freeze import ask_again, fetchable, pending_shards, retry_mark
from wavbrivl.corpus.ledger import Status, coverage, read_ledger
from wavbrivl.corpus.sources.ytdlp import YtDlpSource
from wavbrivl.errors import UserError

FETCH = FetchConfig(attempts=1, timeout_seconds=5, margin_seconds=0.2, workers=1)
SHARD = "train-00000"


@pytest.fixture
def server(coded_video: CodedVideo):
    with ScriptedServer(coded_video.path.read_bytes()) as running:
        yield running


class Corpus:
    """One shard of a corpus, in the workflow's own layout."""

    def __init__(self, root: Path, server: ScriptedServer, *behaviours: str) -> None:
        self.root = root
        self.tar, self.ledger = root / "clips" / f"{SHARD}.tar", root / "clips" / f"{SHARD}.ledger.csv"
        clips = [
            clip_of(f"v{i}", start, start + 1000, server.address(behaviour, f"v{i}"))
            for i, behaviour in enumerate(behaviours)
            for start in (500, 4000)
        ]
        write_manifest(root / f"{SHARD}.csv", clips)

    def run(self, fetch: FetchConfig = FETCH, frozen: bool = False) -> list[Status]:
        """As the rule runs: Snakemake deletes the outputs first."""
        self.tar.unlink(missing_ok=True)
        self.ledger.unlink(missing_ok=True)
        fetch_shard(
            self.root / f"{SHARD}.csv",
            self.tar,
            self.ledger,
            self.root / "spool" / SHARD,
            [] if frozen else [YtDlpSource("direct", fetch)],
            fetch,
            keep_in=self.root / "fetched",
            frozen=frozen,
        )
        return [row.status for row in read_ledger(self.ledger)]

    def retry(self, **keys: str) -> dict[str, int]:
        return ask_again(self.root, [SHARD], CorpusConfig(**keys), FETCH)

    def pending(self) -> set[str]:
        return pending_shards([SHARD], self.root)


def test_run_again_for_whatever_reason_asks_nobody(tmp_path, server):
    corpus = Corpus(tmp_path, server, "200", "410")
    first = corpus.run()
    assert first == [Status.OK] * 2 + [Status.GONE] * 2
    content, asked = (corpus.tar.read_bytes(), corpus.ledger.read_bytes()), server.seen.total()
    assert corpus.run(FETCH.model_copy(update={"sleep_seconds": 0.1, "workers": 2})) == first
    assert server.seen.total() == asked
    assert (corpus.tar.read_bytes(), corpus.ledger.read_bytes()) == content
    assert corpus.tar.stat().st_nlink == 2, "the second name is no second copy"
    assert corpus.run(FETCH.model_copy(update={"margin_seconds": 0.3})) == first
    assert server.seen.total() > asked, "other bytes are wanted: they have to be fetched"


def test_damage_in_what_was_kept_is_noticed(tmp_path, server):
    corpus = Corpus(tmp_path, server, "200")
    corpus.run()
    whole = corpus.tar.read_bytes()
    with tarfile.open(corpus.tar) as tar:
        place = tar.getmembers()[0].offset_data + 100
    kept = tmp_path / "fetched" / f"{SHARD}.tar"
    kept.write_bytes(whole[:place] + b"x" + whole[place + 1 :])
    assert corpus.run() == [Status.OK] * 2
    assert corpus.tar.read_bytes() == whole


def test_retry_asks_transient_rows_and_nothing_else(tmp_path, server):
    corpus = Corpus(tmp_path, server, "200", "410", "flaky", "200")
    assert corpus.run() == [Status.OK] * 2 + [Status.GONE] * 2 + [Status.SERVER_ERROR] * 2 + [Status.OK] * 2
    asked = server.seen.copy()
    assert corpus.retry() == {SHARD: 2}
    assert retry_mark(tmp_path, SHARD).read_text() == "1\n"
    assert corpus.run() == [Status.OK] * 2 + [Status.GONE] * 2 + [Status.OK] * 4
    assert {path for path in server.seen if server.seen[path] > asked[path]} == {"/flaky/v2.mp4"}
    assert corpus.retry() == {}, "permanent failures are never asked again"
    assert retry_mark(tmp_path, SHARD).read_text() == "1\n"


def test_a_new_source_may_be_asked_for_all_that_is_missing(tmp_path, server):
    corpus = Corpus(tmp_path, server, "200", "410")
    corpus.run()
    asked = server.seen.copy()
    assert corpus.retry(retry="all") == {SHARD: 2}
    corpus.run()
    assert server.seen["/410/v1.mp4"] > asked["/410/v1.mp4"]
    assert server.seen["/200/v0.mp4"] == asked["/200/v0.mp4"]


def test_asking_for_a_retry_twice_is_asking_once(tmp_path, server):
    corpus = Corpus(tmp_path, server, "200", "flaky")
    corpus.run()
    good = server.seen["/200/v0.mp4"]
    assert corpus.retry() == corpus.retry() == {SHARD: 2}
    assert corpus.run() == [Status.OK] * 4
    assert server.seen["/200/v0.mp4"] == good


def test_clips_that_were_not_kept_are_not_given_up(tmp_path, server):
    corpus = Corpus(tmp_path, server, "200", "500")
    corpus.run()
    corpus.tar.unlink()
    (tmp_path / "fetched" / f"{SHARD}.tar").unlink()
    assert corpus.retry() == {}
    assert corpus.ledger.exists()


def test_freeze_takes_what_the_spool_has_and_the_thaw_goes_on(tmp_path, server):
    corpus = Corpus(tmp_path, server, "200", "410", "429", "200")
    with pytest.raises(UserError, match="rate-limited"):
        corpus.run()
    asked = server.seen.copy()
    assert corpus.pending() == {SHARD}
    assert corpus.run(frozen=True) == [Status.OK] * 2 + [Status.GONE] * 2 + [Status.PENDING] * 4
    assert server.seen == asked, "frozen: nobody is asked"
    assert coverage([corpus.ledger])["missing"] == {"gone": 2, "pending": 4}
    assert corpus.pending() == {SHARD}, "made while frozen: it is still to be fetched"
    for block in (tmp_path / "spool").glob("blocked-*"):
        block.unlink()
    Corpus(tmp_path, server, "200", "410", "500", "200")  # the host has calmed down
    assert corpus.run() == [Status.OK] * 2 + [Status.GONE] * 2 + [Status.SERVER_ERROR] * 2 + [Status.OK] * 2
    assert server.seen["/200/v0.mp4"] == asked["/200/v0.mp4"]
    assert corpus.pending() == set()


def test_a_frozen_corpus_has_no_rule_for_what_is_there(tmp_path, server):
    corpus = Corpus(tmp_path, server, "200")
    corpus.run()
    shards = [SHARD, "train-00001"]
    pending = pending_shards(shards, tmp_path)
    assert pending == {"train-00001"}
    assert fetchable(shards, tmp_path, pending) == r"train\-00001"
    corpus.tar.unlink()  # keep_clips: false
    assert pending_shards(shards, tmp_path) == {"train-00001"}
    assert "00000" in fetchable(shards, tmp_path, pending)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "FIRST_WAIT", 0.001)
