"""Ids, labels, causes and addresses from strangers: refused in one sentence, or carried as plain data."""

import csv
import json
import tarfile
from pathlib import Path

import pytest
from tests.corpus_server import ScriptedServer
from tests.corpus_videos import CodedVideo, clip_of

from wavbrivl.config.corpus import FetchConfig, MediaConfig
from wavbrivl.corpus.block import host_file
from wavbrivl.corpus.clips import COLUMNS, Clip, clip_id, read_manifest, write_manifest
from wavbrivl.corpus.coverage import survey, write_coverage
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.ledger import LedgerRow, Status, read_ledger, write_ledger
from wavbrivl.corpus.media import extract_shard
from wavbrivl.corpus.rows import labels_of
from wavbrivl.corpus.sources.ytdlp import YtDlpSource
from wavbrivl.errors import UserError

FETCH = FetchConfig(attempts=1, timeout_seconds=5, workers=1)
NAMES = [
    "../../x", "/etc/passwd", "$(touch x)", "`touch x`", "a;b", "a|b", "a b", "a\nb", "a\0b", "", ".", "..",
    "é", "a.b", "%2e%2e", "x" * 65, "x" * 10_000,
]  # fmt: skip
LABELS = ["-rf", "../../x", "$(touch x)", "a;b", '"; rm -rf .', "=cmd()|'/C x'!A0", "a" * 200, "<script>x"]


@pytest.mark.parametrize("name", NAMES)
def test_a_manifest_with_such_an_id_is_refused_by_its_line(tmp_path, name):
    path = tmp_path / "m.csv"
    good = clip_of("v", 0, 1000)
    write_manifest(path, [good, Clip(clip_id(name, 0, 1000), name, 0, 1000, "dog", "train")])
    with pytest.raises(UserError, match=r"m\.csv, line \d+: malformed clip id") as caught:
        read_manifest(path)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


@pytest.mark.parametrize("row", ["../../x,v,0,1000", "v_0_1000,v,0,x", "v_0_1000,v", "v_1_1000,v,0,1000"])
def test_a_manifest_whose_columns_disagree_is_refused(tmp_path, row):
    path = tmp_path / "m.csv"
    path.write_text(",".join(COLUMNS) + "\n" + row + ",dog,train,,,,\n")
    with pytest.raises(UserError, match=r"m\.csv, line 2"):
        read_manifest(path)


def test_ids_like_options_and_labels_like_commands_are_plain_data(tmp_path, coded_video, monkeypatch):
    """A manifest that somebody wrote by hand: what a clip list may not hold does no harm here either.

    `-rf` is a legal id: YouTube's begin with a hyphen often enough.
    """
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    ids = ["-rf", "--help", "-y", "_-_"]
    with ScriptedServer(coded_video.path.read_bytes()) as server:
        clips = [
            Clip(clip_id(v, 0, 1000), v, 0, 1000, label, "train", server.address("200", f"v{i}"))
            for i, (v, label) in enumerate((v, label) for v in ids for label in LABELS[:1])
        ]
        clips += [
            Clip(
                clip_id("many", n, n + 1000), "many", n, n + 1000, label, "train", server.address("200", "m")
            )
            for n, label in enumerate(LABELS)
        ]
        clips.sort(key=lambda clip: clip.clip_id)
        manifest = work / "train-00000.csv"
        write_manifest(manifest, clips)
        tar, ledger = work / "clips.tar", work / "clips.csv"
        fetch_shard(manifest, tar, ledger, work / "spool" / "s", [YtDlpSource("direct", FETCH)], FETCH)
    extract_shard(tar, ledger, manifest, work / "media.tar", work / "media.csv", MediaConfig(), 7)
    assert {row.status for row in read_ledger(work / "media.csv")} == {Status.OK}
    with tarfile.open(tar) as archive:
        assert sorted(archive.getnames()) == sorted(f"{clip.clip_id}.mp4" for clip in clips)
    write_coverage(work, survey([manifest], [work / "media.csv"], ("train",), work / "missing.csv"), {})
    with (work / "by_class.csv").open(newline="") as handle:
        assert {row["label"] for row in csv.DictReader(handle)} == {
            one for label in LABELS for one in labels_of(label)
        }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["work"], "nothing is written outside"
    assert not (work / "x").exists(), "no label was run as a command"


def test_a_cause_is_data_too(tmp_path):
    cause = 'said\r\n"a,b" $(touch x) \x1b]0;title\x07' + "y" * 10_000
    row = LedgerRow("v_0_1000", Status.GONE, " ".join(cause.split())[:500], "youtube", 1)
    write_ledger(tmp_path / "l.csv", [row])
    assert read_ledger(tmp_path / "l.csv") == [row]


@pytest.mark.parametrize("host", ["../../x", "a/b", "a b;c", "ü.example", "127.0.0.1", "[::1]"])
def test_the_name_of_a_host_stays_in_its_folder(tmp_path, host):
    assert host_file(tmp_path, "blocked", host).resolve().parent == tmp_path.resolve()


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://x/y",
        "javascript:x",
        "-rf",
        "",
        "data:video/mp4;base64,AA",
        "../x",
        "concat:a",
    ],
)
def test_an_address_that_is_no_web_address_is_never_opened(tmp_path, address):
    manifest = tmp_path / "m.csv"
    write_manifest(manifest, [clip_of("v", 0, 1000, address)])
    fetch_shard(manifest, tmp_path / "s.tar", tmp_path / "s.csv", tmp_path / "spool" / "s",
                [YtDlpSource("direct", FETCH)], FETCH)  # fmt: skip
    assert [row.status for row in read_ledger(tmp_path / "s.csv")] == [Status.UNSUPPORTED]


def test_a_journal_that_somebody_edited_cannot_lead_out_of_the_spool(tmp_path, coded_video: CodedVideo):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"secret")
    spool = tmp_path / "spool" / "s"
    spool.mkdir(parents=True)
    row = ["../../../secret", "ok", "", "direct", 1, 6, "00"]
    (spool / "journal.jsonl").write_text(json.dumps([row]) + "\n")
    with ScriptedServer(coded_video.path.read_bytes()) as server:
        write_manifest(tmp_path / "m.csv", [clip_of("v", 0, 1000, server.address("200"))])
        paths = [tmp_path / name for name in ("m.csv", "s.tar", "s.csv")]
        fetch_shard(*paths, spool, [YtDlpSource("direct", FETCH)], FETCH)
    with tarfile.open(tmp_path / "s.tar") as archive:
        assert archive.getnames() == ["v_0_1000.mp4"]
    assert secret.read_bytes() == b"secret" and Path(secret).exists()
