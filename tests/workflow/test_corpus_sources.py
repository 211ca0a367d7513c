"""Clips from every kind of source through the workflow itself, by configuration alone."""

import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.corpus_videos import ffmpeg, make_video
from wavbrivl.corpus.ledger import Status, read_ledger

pytestmark = pytest.mark.workflow

ROWS = "".join(f"clip{i:07d},{i},dog barking,train\n" for i in range(4))


@pytest.fixture
def address(checkout):
    """The checkout's folder `served` over loopback HTTP."""
    (checkout.path / "served").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(checkout.path / "served"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def made(checkout, name: str, sources: str) -> tuple[dict[str, bytes], list[Status]]:
    """Media shards of a corpus with these sources, and the fates of its four clips."""
    config = f"""
run: {name}
corpus:
  name: {name}
  format: vggsound
  clip_list: list.csv
  clip_seconds: 2
  validation_fraction: 0
  sources: {sources}
"""
    (checkout.path / f"{name}.yaml").write_text(config, encoding="utf-8")
    done = checkout.run("corpus", config=f"{name}.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    media = checkout.path / "data" / name / "media"
    fates = [row.status for path in sorted(media.glob("*.ledger.csv")) for row in read_ledger(path)]
    return {path.name: path.read_bytes() for path in media.glob("*.tar")}, fates


def test_a_folder_two_archives_and_an_address_give_the_same_shards(checkout, address):
    served = checkout.path / "served"
    (checkout.path / "list.csv").write_text(ROWS, encoding="utf-8")
    video = make_video(checkout.path / "whole.mp4", seconds=8, size=(160, 96))
    for i in range(3):  # the fourth is nowhere
        ffmpeg("-ss", i, "-t", 3, "-i", video.path, "-c", "copy", served / f"clip{i:07d}_{i:06d}.mp4")
    for part, members in ((0, (0, 1)), (1, (2,))):
        with tarfile.open(served / f"part_{part:02d}.tar.gz", "w:gz") as archive:
            for i in members:
                archive.add(served / f"clip{i:07d}_{i:06d}.mp4", f"mirror/clip{i:07d}_{i:06d}.mp4")
    shards, fates = made(checkout, "folder", "[{kind: folder, path: served}]")
    assert fates == [Status.OK] * 3 + [Status.MISSING]
    again = made(checkout, "web", f"[{{kind: http, path: '{address}'}}]")
    assert again == (shards, fates)
    archives = f"[{{kind: archive, path: '{address}/part_{{00..01}}.tar.gz'}}]"
    assert made(checkout, "archives", archives) == (shards, fates)
    kept = checkout.path / "data/archives/archives"
    assert not list(kept.glob("*.clips")), "what was collected goes when its clips are in their shards"
