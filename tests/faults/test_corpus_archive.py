"""Archives: every clip found by name, damage and hostile members survived, broken connections continued."""

import gzip
import io
import json
import random
import tarfile
from pathlib import Path

import pytest
from tests.corpus_files import FileServer
from tests.corpus_videos import CodedVideo, clip_of

from wavbrivl.config.corpus import FetchConfig, Source
from wavbrivl.corpus import archive as archive_module
from wavbrivl.corpus import remote_file
from wavbrivl.corpus.archive import ArchiveIndex, collect_archive
from wavbrivl.corpus.clips import Clip, write_manifest
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.ledger import LedgerRow, Status, read_ledger
from wavbrivl.corpus.sources import open_sources
from wavbrivl.errors import UserError

FETCH = FetchConfig(attempts=3, timeout_seconds=5, workers=1)
CLIPS = [clip_of(f"v{i:09d}", 3000, 5000) for i in range(6)]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_file, "FIRST_WAIT", 0.001)


def member(name: str, data: bytes = b"", **changes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in changes.items():
        setattr(info, key, value)
    return info, data


def tar_of(members: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def good_tar(video: CodedVideo) -> bytes:
    data = video.path.read_bytes()
    return tar_of([member(f"some/folder/{c.video_id}_000003.mp4", data) for c in CLIPS])


def collect(folder: Path, path: str, clips: list[Clip] = CLIPS) -> ArchiveIndex:
    write_manifest(folder / "train-00000.csv", clips)
    collected = folder / "archives" / f"{Source(kind='archive', path=path).collected}.clips"
    (folder / "spool").mkdir(exist_ok=True)
    return collect_archive(path, [folder / "train-00000.csv"], collected, FETCH, folder / "spool")


def fetch(folder: Path, path: str) -> list[LedgerRow]:
    sources = open_sources([Source(kind="archive", path=path)], FETCH, folder / "archives")
    out = folder / "s.tar", folder / "s.csv"
    fetch_shard(folder / "train-00000.csv", *out, folder / "spool" / "s", sources, FETCH)
    return read_ledger(folder / "s.csv")


@pytest.mark.parametrize("suffix, pack", [("tar", bytes), ("tar.gz", gzip.compress)])
def test_every_clip_is_found(tmp_path, coded_video, suffix, pack):
    path = tmp_path / f"clips.{suffix}"
    path.write_bytes(pack(good_tar(coded_video)))
    index = collect(tmp_path, str(path))
    assert index.seen == 6 and index.damage is None and len(index.members) == 6
    rows = fetch(tmp_path, str(path))
    assert [(row.status, row.source) for row in rows] == [(Status.OK, "archive")] * 6


@pytest.mark.parametrize("ranges", [True, False])
def test_a_connection_that_breaks_goes_on(tmp_path, coded_video, ranges):
    content = gzip.compress(good_tar(coded_video), 1)
    breaks = len(content) * 2 // 3 if not ranges else len(content) // 7
    with FileServer(content, breaks=breaks, ranges=ranges) as server:
        if ranges:
            index = collect(tmp_path, server.address())
            assert index.damage is None and index.seen == 6
            assert len(server.asked) in (7, 8)  # the last bytes say nothing to a reader of tar
            assert [r.status for r in fetch(tmp_path, server.address())] == [Status.OK] * 6
        else:  # it sends the first two thirds for ever
            with pytest.raises(UserError, match="network.*try again later"):
                collect(tmp_path, server.address())


def test_an_archive_that_changes_while_it_is_read_is_refused(tmp_path, coded_video):
    with FileServer(gzip.compress(good_tar(coded_video), 1), breaks=20_000) as server:
        source = remote_file.RemoteFile(server.address(), FETCH, tmp_path)
        while source.place < 20_000:
            assert source.read(20_000 - source.place)
        server.etag = '"two"'
        with pytest.raises(UserError, match="changed while it was read"):
            source.read(20_000)


@pytest.mark.parametrize(
    "status, said, asked",
    [(404, "not-found.*correct the address", 1), (503, "server-error.*try again later", 3),
     (429, "fetching stopped, rate-limited", 1)],
)  # fmt: skip
def test_a_host_that_refuses(tmp_path, status, said, asked):
    with FileServer(b"", status=status) as server:
        with pytest.raises(UserError, match=said):
            collect(tmp_path, server.address())
        assert len(server.asked) == asked
        assert bool(list((tmp_path / "spool").glob("blocked-*"))) == (status == 429)
        if status == 429:
            with pytest.raises(UserError, match="is not asked before"):
                collect(tmp_path, server.address())
            assert len(server.asked) == asked
    assert not list((tmp_path / "archives").glob("*"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_damage_keeps_what_came_before_it(tmp_path, coded_video, pack):
    whole = pack(good_tar(coded_video))
    path = tmp_path / "clips.tar.gz"
    path.write_bytes(whole[: len(whole) // 2])
    index = collect(tmp_path, str(path))
    assert index.damage and 1 <= len(index.members) <= 3
    rows = fetch(tmp_path, str(path))
    kept = sum(row.status == Status.OK for row in rows)
    assert kept == len(index.members)
    lost = [row for row in rows if row.status != Status.OK]
    assert {row.status for row in lost} == {Status.UNDECODABLE}
    assert all("before the damage" in row.cause and index.damage[:20] in row.cause for row in lost)


def test_damage_anywhere_never_escapes(tmp_path, coded_video):
    whole = bytearray(gzip.compress(good_tar(coded_video)))
    plain = bytearray(good_tar(coded_video))
    generator = random.Random(3)
    for number in range(40):
        data = bytearray(whole if number % 2 else plain)
        place = generator.randrange(600, len(data))
        data[place : place + 8] = generator.randbytes(8)
        path = tmp_path / "clips.tar"
        path.write_bytes(bytes(data))
        index = collect(tmp_path, str(path))
        assert len(index.members) <= index.seen <= 6
        assert index.damage or index.seen == 6
        size = (tmp_path / "archives" / f"{Source(kind='archive', path=str(path)).collected}.clips").stat()
        assert size.st_size == sum(entry[1] for entry in index.members.values())


def test_what_is_no_archive_is_refused(tmp_path):
    for content in (b"", b"<html><body>Please log in</body></html>" * 100, gzip.compress(b"text" * 5000)):
        path = tmp_path / "clips.tar"
        path.write_bytes(content)
        with pytest.raises(UserError, match="is not a tar archive of clips"):
            collect(tmp_path, str(path))
    assert not list((tmp_path / "archives").glob("*.clips"))


def test_hostile_members_write_nothing_and_hide_nothing(tmp_path, coded_video):
    data = coded_video.path.read_bytes()
    name = f"{CLIPS[0].video_id}_000003.mp4"
    second = f"{CLIPS[1].video_id}_000003.mp4"
    members = [
        member(second, linkname="/etc/passwd", type=tarfile.SYMTYPE),
        member(second, linkname=name, type=tarfile.LNKTYPE),
        member(second, type=tarfile.CHRTYPE),
        member(second, type=tarfile.FIFOTYPE),
        member("-rf"),
        member("../../" + "x" * 3000 + ".mp4", b"long"),
        member(f"/tmp/../../{name}", data),
        member(f"../{second}", data),
        member("../escaped.mp4", data),
    ]
    path = tmp_path / "inner" / "clips.tar"
    path.parent.mkdir()
    path.write_bytes(tar_of(members))
    before = {p for p in tmp_path.rglob("*")}
    index = collect(path.parent, str(path))
    assert index.damage is None
    assert sorted(index.members) == sorted(Path(n).stem for n in (name, second))
    new = {p.relative_to(path.parent).parts[0] for p in tmp_path.rglob("*") if p not in before}
    assert new == {"train-00000.csv", "archives", "spool"}
    assert [row.status for row in fetch(path.parent, str(path))[:2]] == [Status.OK, Status.OK]


def test_size_limits(tmp_path, monkeypatch, coded_video):
    path = tmp_path / "bomb.tar.gz"
    zeros = tar_of([member(f"z{i}.mp4", bytes(1 << 20)) for i in range(40)])
    path.write_bytes(gzip.compress(zeros))
    monkeypatch.setattr(archive_module, "FREE_BYTES", 1 << 22)
    assert "times its size" in (collect(tmp_path, str(path)).damage or "")

    info, _ = member(f"{CLIPS[0].video_id}_000003.mp4")
    info.size = 1 << 35
    path.write_bytes(tar_of([member("a.mp4")])[:512] + info.tobuf())
    assert "a member of" in (collect(tmp_path, str(path)).damage or "")

    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 33  # tarfile would read it into memory
    path.write_bytes(tar_of([member("a.mp4")])[:512] + info.tobuf(tarfile.GNU_FORMAT))
    assert "a header of" in (collect(tmp_path, str(path)).damage or "")

    monkeypatch.setattr(archive_module, "MAX_BYTES", 1000)
    monkeypatch.setattr("wavbrivl.corpus.clip_files.MAX_BYTES", 1000)
    path.write_bytes(good_tar(coded_video))
    collect(tmp_path, str(path))
    assert {row.status for row in fetch(tmp_path, str(path))} == {Status.UNSUPPORTED}


def test_an_empty_member_is_a_row(tmp_path, coded_video):
    path = tmp_path / "clips.tar"
    path.write_bytes(tar_of([member(f"{CLIPS[0].video_id}_000003.mp4")]))
    collect(tmp_path, str(path))
    rows = fetch(tmp_path, str(path))
    assert rows[0].status == Status.UNDECODABLE and "is empty" in rows[0].cause
    assert {row.status for row in rows[1:]} == {Status.MISSING}
    (index,) = (tmp_path / "archives").glob("*.index.json")
    assert json.loads(index.read_text())["damage"] is None
