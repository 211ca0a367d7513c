"""From a manifest to media shards: what the members hold, for both kinds of sources."""

import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from tests.corpus_shards import check_times, made_shard, shards_in
from tests.corpus_videos import FFMPEG, CodedVideo, clip_of

from wavbrivl.config.corpus import MediaConfig, Source
from wavbrivl.corpus.ledger import Status
from wavbrivl.shards.verify import verify_shard


def test_members_of_fetched_clips(coded_video: CodedVideo, tmp_path):
    address = coded_video.path.as_uri()
    clips = [clip_of("v", start, start + 2000, address) for start in (0, 1234, 4000, 9900)]
    rows = made_shard(tmp_path, clips, Source(kind="embedded"), MediaConfig(frames=3))
    assert [row.status for row in rows] == [Status.OK] * 4
    assert verify_shard(tmp_path / "train-00000.tar", decode=True) == 4
    check_times(coded_video, shards_in(tmp_path))
    with tarfile.open(tmp_path / "train-00000.tar") as tar:
        names = tar.getnames()
        assert names == sorted(names) and len(names) == 4 * 8
        assert {(m.mtime, m.uid, m.gid, m.mode, m.uname) for m in tar} == {(0, 0, 0, 0o644, "")}
        meta = json.loads(tar.extractfile("v_0_2000.json").read())
    assert "address" not in meta and meta["quality"] == {"silence": False, "still": False}
    assert (meta["width"], meta["height"], meta["duration_ms"]) == (320, 240, 2000)


@pytest.mark.parametrize(
    "name", ["v1234567890_000003.mp4", "v1234567890_3000_5000.mp4", "sub/v1234567890_3.000.mkv"]
)
def test_a_folder_of_clips_in_every_convention(coded_video: CodedVideo, tmp_path, name):
    path = tmp_path / "have" / name
    path.parent.mkdir(parents=True)
    command = [
        FFMPEG,
        "-v",
        "error",
        "-ss",
        "3",
        "-t",
        "4",
        "-i",
        str(coded_video.path),
        "-c",
        "copy",
        str(path),
    ]
    subprocess.run(command, check=True, timeout=60)
    clips = [clip_of("v1234567890", 3000, 5000), clip_of("v1234567890", 7000, 9000)]
    rows = made_shard(tmp_path, clips, Source(kind="folder", path=str(tmp_path / "have")), MediaConfig())
    assert [row.status for row in rows] == [Status.OK, Status.MISSING]
    if path.suffix == ".mp4":  # Matroska cannot say that a cut begins with a pre-roll
        check_times(coded_video, shards_in(tmp_path))


def test_the_same_bytes_however_many_workers(coded_video: CodedVideo, tmp_path):
    address = coded_video.path.as_uri()
    clips = [clip_of(f"v{i}", 900 * i, 900 * i + 1500, address) for i in range(8)]
    made = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        made_shard(folder, clips, Source(kind="embedded"), MediaConfig(workers=workers))
        made.append({p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()})
    assert made[0] == made[1]
    other = tmp_path / "other"
    other.mkdir()
    made_shard(other, clips, Source(kind="embedded"), MediaConfig(), seed=8)
    assert (other / "train-00000.tar").read_bytes() != made[0]["train-00000.tar"]
    assert (other / "clips.tar").read_bytes() == made[0]["clips.tar"]


def test_quality_silence_and_still(tmp_path):
    still, silent = tmp_path / "still.mp4", tmp_path / "silent.mp4"
    tone = ["-f", "lavfi", "-i", "sine=440:duration=4"]
    quiet = ["-f", "lavfi", "-i", "anullsrc=r=44100:cl=stereo:d=4"]
    one = ["-f", "lavfi", "-i", "color=c=red:s=160x120:r=10:d=4"]
    moving = ["-f", "lavfi", "-i", "testsrc=s=160x120:r=10:d=4"]
    for path, inputs in ((still, one + tone), (silent, moving + quiet)):
        subprocess.run(
            [FFMPEG, "-v", "error", *inputs, "-pix_fmt", "yuv420p", str(path)], check=True, timeout=60
        )
    clips = [clip_of(p.stem, 1000, 3000, p.as_uri()) for p in (still, silent)]
    rows = made_shard(tmp_path, clips, Source(kind="embedded"), MediaConfig())
    assert [(row.silence, row.still) for row in rows] == [(False, True), (True, False)]


def test_square_is_the_centre_or_the_whole(tmp_path):
    """Against numpy: a frame whose left and right quarters are white keeps them only when squashed."""
    path = tmp_path / "v.mp4"
    edges = "drawbox=w=iw/8:h=ih:c=white:t=fill,drawbox=x=iw*7/8:w=iw/8:h=ih:c=white:t=fill"
    command = [FFMPEG, "-v", "error", "-f", "lavfi", "-i", f"color=c=black:s=640x360:r=10:d=3,{edges}"]
    command += ["-f", "lavfi", "-i", "sine=440:duration=3", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True, timeout=60)
    for square, left in (("crop", 0), ("squash", 255)):
        folder = tmp_path / square
        folder.mkdir()
        clips = [clip_of("v", 500, 2500, path.as_uri())]
        made_shard(folder, clips, Source(kind="embedded"), MediaConfig(square=square))
        image = shards_in(folder).image(0)
        assert abs(int(image[180, 10].mean()) - left) < 12
        assert image[180, 180].mean() < 12


def test_the_real_clips(real_data: Path, tmp_path):
    """Ten of ten real clips become valid members; rows without a clip are missing."""
    from wavbrivl.corpus.lists import read_vggsound

    folder = real_data / "VGGSound"
    have = {path.stem for path in (folder / "clips").glob("*.mp4")}
    rows = [r for r in read_vggsound(folder / "vggsound.subset.csv", 10) if r.video_id[0] in "-0156MLn"]
    clips = [clip_of(r.video_id, r.start_ms, r.end_ms, split="test") for r in rows]
    clips = [c for c in clips if f"{c.video_id}_{c.start_ms // 1000:06d}" in have] + clips[:200]
    clips = list({clip.clip_id: clip for clip in clips}.values())
    ledger = made_shard(tmp_path, clips, Source(kind="folder", path=str(folder / "clips")), MediaConfig())
    good = [row for row in ledger if row.status == Status.OK]
    assert len(good) == len(have) == 10
    assert {row.status for row in ledger} == {Status.OK, Status.MISSING}
    assert verify_shard(tmp_path / "train-00000.tar", decode=True) == 10
    shards = shards_in(tmp_path)
    for i, clip in enumerate(shards.clips):
        assert clip.n_samples == 160_000
        start = next(c for c in clips if c.clip_id == clip.clip_id).start_ms // 1000
        path = folder / "clips" / f"{clip.video_id}_{start:06d}.mp4"
        assert correlation_with_ffmpeg(path, shards.audio(i)) > 0.99


def correlation_with_ffmpeg(path: Path, sound: np.ndarray) -> float:
    """Against ffmpeg's own decoding to 16 kHz mono, silence put where the track begins late."""
    command = [
        FFMPEG,
        "-v",
        "error",
        "-i",
        str(path),
        "-af",
        "aresample=16000:async=1:first_pts=0",
        "-ac",
        "1",
    ]
    made = subprocess.run([*command, "-f", "wav", "-"], capture_output=True, timeout=60, check=True).stdout
    expected, _ = soundfile.read(io.BytesIO(made))
    n = min(len(expected), len(sound)) - 500
    return max(float(np.corrcoef(sound[500:n], expected[500 + k : n + k])[0, 1]) for k in range(-2, 3))


def test_the_stored_picture_is_the_decoded_one(coded_video: CodedVideo, tmp_path):
    """Pixel oracle: the 64 square against an area average of the centre crop by numpy."""
    clips = [clip_of("v", 1000, 3000, coded_video.path.as_uri())]
    made_shard(tmp_path, clips, Source(kind="embedded"), MediaConfig())
    shards = shards_in(tmp_path)
    small, large = shards.image(0, 64), shards.image(0, 360)
    reference = np.asarray(Image.fromarray(large).resize((64, 64), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - reference).mean() < 6


def test_no_clips_at_all(tmp_path):
    rows = made_shard(tmp_path, [], Source(kind="embedded"), MediaConfig())
    assert rows == [] and verify_shard(tmp_path / "train-00000.tar") == 0
    assert len(shards_in(tmp_path)) == 0
    shutil.rmtree(tmp_path / "spool")
