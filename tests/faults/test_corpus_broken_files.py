"""Files that are cut, empty, lying or hostile: a row in the ledger, never a crash, never a hang."""

import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.corpus_videos import FFMPEG, CodedVideo, clip_of, make_video

from wavbrivl.bench.media_memory import memory_benchmark
from wavbrivl.config.corpus import FetchConfig, MediaConfig, Source
from wavbrivl.corpus.clips import write_manifest
from wavbrivl.corpus.extract import extract
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.ledger import Status, coverage, read_ledger
from wavbrivl.corpus.media import extract_shard
from wavbrivl.corpus.pool import Decoder
from wavbrivl.corpus.request import Request
from wavbrivl.corpus.sources import open_sources
from wavbrivl.corpus.timeline import MediaError, read_timeline
from wavbrivl.errors import UserError
from wavbrivl.shards.verify import verify_shard

FETCH = FetchConfig(workers=1)
REQUEST = Request(clip_of("v", 1000, 3000), 0, 1, "crop", 92, 0.1, 7)


def ffmpeg(*arguments: str) -> None:
    subprocess.run([FFMPEG, "-v", "error", "-y", *arguments], check=True, timeout=60)


@pytest.fixture(scope="module")
def broken(tmp_path_factory, coded_video: CodedVideo) -> dict[str, Path]:
    """Every broken source, by the status that it should get or a name that tells it."""
    folder = tmp_path_factory.mktemp("broken")
    source, data = str(coded_video.path), coded_video.path.read_bytes()
    paths = {
        name: folder / f"{name}.mp4"
        for name in ("noaudio", "novideo", "short", "cut", "text", "empty", "front")
    }
    ffmpeg("-i", source, "-an", "-c", "copy", str(paths["noaudio"]))
    ffmpeg("-i", source, "-vn", "-c", "copy", str(paths["novideo"]))
    ffmpeg("-i", source, "-t", "2.2", "-c", "copy", str(paths["short"]))
    paths["cut"].write_bytes(data[: len(data) // 2])
    paths["text"].write_bytes(b"<html>not a video</html>" * 100)
    paths["empty"].write_bytes(b"")
    ffmpeg("-i", source, "-c", "copy", "-movflags", "+faststart", str(paths["front"]))
    paths["front"].write_bytes(paths["front"].read_bytes()[: len(data) // 6])
    return paths | {"dead": folder / "dead.mp4", "good": coded_video.path}


EXPECTED = {
    "noaudio": {Status.NO_AUDIO},
    "novideo": {Status.NO_VIDEO},
    "short": {Status.TOO_SHORT},
    "cut": {Status.UNDECODABLE},
    "text": {Status.UNDECODABLE, Status.UNSUPPORTED},
    "empty": {Status.UNDECODABLE, Status.UNSUPPORTED},
    "front": {Status.TOO_SHORT, Status.UNDECODABLE},
    "dead": {Status.NOT_FOUND},
    "good": {Status.OK},
}


@pytest.mark.parametrize("kind", ["embedded", "folder"])
def test_every_broken_source_is_a_row_with_its_cause(tmp_path, broken, kind):
    clips = [clip_of(name, 1000, 3000, path.as_uri()) for name, path in sorted(broken.items())]
    source = Source(kind="embedded")
    if kind == "folder":
        (tmp_path / "have").mkdir()
        for name, path in broken.items():
            if path.exists():
                (tmp_path / "have" / f"{name}_1000_3000.mp4").write_bytes(path.read_bytes())
        source = Source(kind="folder", path=str(tmp_path / "have"))
    write_manifest(tmp_path / "m.csv", clips)
    fetched = [tmp_path / "c.tar", tmp_path / "c.csv"]
    fetch_shard(tmp_path / "m.csv", *fetched, tmp_path / "spool" / "s", open_sources([source], FETCH), FETCH)
    extract_shard(*fetched, tmp_path / "m.csv", tmp_path / "m.tar", tmp_path / "media.csv", MediaConfig(), 7)
    rows = {row.clip_id.split("_")[0]: row for row in read_ledger(tmp_path / "media.csv")}
    expected = EXPECTED | ({"dead": {Status.MISSING}, "short": {Status.OK}} if kind == "folder" else {})
    expected |= {"front": EXPECTED["front"] | {Status.OK}} if kind == "folder" else {}
    assert {name: row.status in expected[name] for name, row in rows.items()} == dict.fromkeys(rows, True), (
        rows
    )
    assert all(row.cause for row in rows.values() if row.status != Status.OK)
    found = sum(row.status == Status.OK for row in rows.values())
    assert (
        verify_shard(tmp_path / "m.tar", decode=True) == found == coverage([tmp_path / "media.csv"])["found"]
    )


def test_flipped_bits_never_escape(coded_video: CodedVideo):
    """Damage anywhere in the file ends in members or in a MediaError, in the tables above all."""
    data = coded_video.path.read_bytes()
    tables = data.index(b"moov")
    random = np.random.default_rng(3)
    decoder = Decoder(timeout=20)
    outcomes = set()
    for round_ in range(40):
        damaged = bytearray(data)
        low = tables if round_ % 2 else 0
        for place in random.integers(low, len(data), 30):
            damaged[place] = random.integers(256)
        try:
            outcomes.add(len(decoder.extract(bytes(damaged), REQUEST).members))
        except MediaError as error:
            assert error.cause and error.status in set(Status)
            outcomes.add(error.status)
    decoder.close()
    assert len(outcomes) > 1


def test_tables_that_ask_for_gigabytes_are_refused(coded_video: CodedVideo):
    data = bytearray(coded_video.path.read_bytes())
    place = data.index(b"stts")
    data[place + 12 : place + 16] = (2**31 - 1).to_bytes(4, "big")
    with pytest.raises(MediaError, match="impossible length"):
        read_timeline(bytes(data))


def box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def test_boxes_without_end_are_refused_and_not_walked(tmp_path):
    """The fetching job reads these tables itself: neither its stack nor its patience is unlimited."""
    deep = b"".join((100_000 * 8 - 8 * i).to_bytes(4, "big") + b"trak" for i in range(100_000))
    many = box(b"moov", box(b"free", b"") * 50_000)
    top = box(b"free", b"") * 1_100_000
    for number, data in enumerate((box(b"moov", deep), many, top)):
        with pytest.raises(MediaError, match="more than .* boxes") as caught:
            read_timeline(data)
        assert caught.value.status == Status.UNDECODABLE
        (tmp_path / "have").mkdir(exist_ok=True)
        (tmp_path / "have" / f"v{number}_0_1000.mp4").write_bytes(data)
    write_manifest(tmp_path / "m.csv", [clip_of(f"v{number}", 0, 1000) for number in range(3)])
    source = open_sources([Source(kind="folder", path=str(tmp_path / "have"))], FETCH)
    fetch_shard(
        tmp_path / "m.csv", tmp_path / "c.tar", tmp_path / "c.csv", tmp_path / "spool/s", source, FETCH
    )
    assert {row.status for row in read_ledger(tmp_path / "c.csv")} == {Status.UNDECODABLE}


def test_a_file_that_hangs_is_killed_and_the_next_one_works(coded_video: CodedVideo):
    data = coded_video.path.read_bytes()
    decoder = Decoder(timeout=0.0005)
    with pytest.raises(MediaError, match="longer than") as caught:
        decoder.extract(data, REQUEST)
    assert caught.value.status == Status.UNDECODABLE
    decoder.timeout = 60
    assert decoder.extract(data, REQUEST).members == extract(data, REQUEST).members
    decoder.close()


def test_a_killed_decoder_is_replaced(coded_video: CodedVideo):
    data = coded_video.path.read_bytes()
    decoder = Decoder(timeout=60)
    first = decoder.extract(data, REQUEST)
    os.killpg(decoder._process.pid, signal.SIGKILL)
    assert decoder.extract(data, REQUEST) == first
    decoder.close()


def test_the_memory_of_a_job_does_not_grow_with_its_shard(tmp_path):
    """decord alone loses 190 kB with each of these clips."""
    video = make_video(tmp_path / "v.mp4", seconds=2, rate=48000, size=(160, 96))
    record = memory_benchmark(video.path, few=40, many=240)
    assert record["ratio"] < 1.2, record


def test_a_ledger_of_another_manifest_is_refused(tmp_path, coded_video: CodedVideo):
    write_manifest(tmp_path / "m.csv", [clip_of("v", 1000, 3000, coded_video.path.as_uri())])
    paths = [tmp_path / "c.tar", tmp_path / "c.csv"]
    sources = open_sources([Source(kind="embedded")], FETCH)
    fetch_shard(tmp_path / "m.csv", *paths, tmp_path / "spool" / "s", sources, FETCH)
    write_manifest(tmp_path / "m.csv", [clip_of("w", 1000, 3000)])
    with pytest.raises(UserError, match="fetch the shard again"):
        extract_shard(*paths, tmp_path / "m.csv", tmp_path / "o.tar", tmp_path / "o.csv", MediaConfig(), 7)
    assert not (tmp_path / "o.tar").exists()
