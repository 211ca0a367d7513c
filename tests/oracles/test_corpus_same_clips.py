"""The same clips as a folder, as an archive and over HTTP give the same shards, byte for byte."""

import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.corpus_shards import FETCH, NAME
from tests.corpus_videos import clip_of, ffmpeg, make_video

from wavbrivl.config.corpus import MediaConfig, Source
from wavbrivl.corpus.archive import collect_archive
from wavbrivl.corpus.clips import Clip, write_manifest
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.ledger import Status, read_ledger
from wavbrivl.corpus.lists import read_vggsound
from wavbrivl.corpus.media import extract_shard
from wavbrivl.corpus.sources import open_sources
from wavbrivl.shards.verify import verify_shard

WAYS = ("folder", "tar.gz", "tar.gz over HTTP", "clips over HTTP")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path):
    """`tmp_path` over loopback HTTP, and its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def made(folder: Path, clips: list[Clip], source: Source) -> dict[str, bytes]:
    """Fetch and extract through one source; the bytes of the shard, its index and what the ledger says."""
    folder.mkdir()
    manifest, spool = folder / f"{NAME}.csv", folder / "spool" / "s"
    write_manifest(manifest, clips)
    if source.kind == "archive":
        spool.parent.mkdir()
        collected = folder / "archives" / f"{source.collected}.clips"
        index = collect_archive(source.path, [manifest], collected, FETCH, spool.parent)
        assert index.damage is None
    sources = open_sources([source], FETCH, folder / "archives")
    tar, ledger = folder / "clips.tar", folder / "clips.csv"
    fetch_shard(manifest, tar, ledger, spool, sources, FETCH)
    outputs = folder / f"{NAME}.tar", folder / "media.csv"
    extract_shard(tar, ledger, manifest, *outputs, MediaConfig(frames=2), 7)
    rows = read_ledger(outputs[1])
    assert {row.source for row in rows if row.status == Status.OK} == {source.kind}
    said = "\n".join(f"{r.clip_id} {r.status} {r.sha256} {r.duration_ms} {r.silence} {r.still}" for r in rows)
    paths = [tar, outputs[0], folder / f"{NAME}.index.json"]
    return {path.name: path.read_bytes() for path in paths} | {"ledger": said.encode()}


def every_way(root: Path, have: Path, clips: list[Clip], address: str) -> list[dict[str, bytes]]:
    with tarfile.open(root / "mirror.tar.gz", "w:gz") as archive:
        archive.add(have, "vggsound/part_00")
    (root / "clips").symlink_to(have)
    sources = {
        "folder": Source(kind="folder", path=str(have)),
        "tar.gz": Source(kind="archive", path=str(root / "mirror.tar.gz")),
        "tar.gz over HTTP": Source(kind="archive", path=f"{address}/mirror.tar.gz"),
        "clips over HTTP": Source(kind="http", path=f"{address}/clips/"),
    }
    return [made(root / way.replace(" ", "-"), clips, sources[way]) for way in WAYS]


def test_the_ten_real_clips(real_data, tmp_path, served):
    folder = real_data / "VGGSound"
    have = {path.stem for path in (folder / "clips").glob("*.mp4")}
    rows = read_vggsound(folder / "vggsound.subset.csv", 10)
    clips = [clip_of(r.video_id, r.start_ms, r.end_ms, split="test") for r in rows]
    clips = [clip for clip in clips if f"{clip.video_id}_{clip.start_ms // 1000:06d}" in have]
    clips.append(clip_of("notthereyet", 0, 10_000, split="test"))
    ways = every_way(tmp_path, folder / "clips", clips, served)
    assert all(way == ways[0] for way in ways)
    assert verify_shard(tmp_path / "folder" / f"{NAME}.tar", decode=True) == 10
    assert ways[0]["ledger"].count(b" ok ") == 10 and ways[0]["ledger"].count(b" missing ") == 1


def test_clips_that_are_no_plain_mp4_and_those_that_are_broken(tmp_path, served):
    """A fragmented MP4 is repacked on every way, the same; an empty file and a page are rows on every way."""
    have = tmp_path / "have"
    have.mkdir()
    video = make_video(tmp_path / "v.mp4", seconds=3, size=(160, 96))
    ffmpeg("-i", video.path, "-c", "copy", have / "plain000000_000005.mp4")
    ffmpeg("-i", video.path, "-c", "copy", "-movflags", "frag_keyframe+delay_moov",
           have / "fragmented0_5000_7000.mp4")  # fmt: skip
    (have / "empty000000_5.000.mp4").write_bytes(b"")
    (have / "page0000000_000005.mp4").write_bytes(b"<html>log in</html>" * 50)
    ids = ("plain000000", "fragmented0", "empty000000", "page0000000", "missing0000")
    ways = every_way(tmp_path, have, [clip_of(i, 5000, 7000) for i in sorted(ids)], served)
    assert all(way == ways[0] for way in ways)
    said = ways[0]["ledger"].decode()
    assert [said.count(f" {s} ") for s in ("ok", "undecodable", "missing")] == [2, 2, 1], said
