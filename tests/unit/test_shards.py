"""Writer, reader and verification of shards, against tarfile and against damage."""

import io
import json
import pickle
import tarfile
import threading

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from wavbrivl.errors import UserError
from wavbrivl.files import read_json, sha256_of
from wavbrivl.shards.reader import MediaShards, write_list
from wavbrivl.shards.tar import TarWriter
from wavbrivl.shards.verify import verify_shard
from wavbrivl.shards.writer import ShardWriter, index_path

RANDOM = np.random.default_rng(0)
SOUND = RANDOM.integers(-3000, 3000, 8000).astype(np.int16)


def encode(image: np.ndarray, form: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, form)
    return buffer.getvalue()


def members(clip_id: str, frames: int = 1) -> tuple[dict, dict[str, bytes]]:
    meta = {
        "clip_id": clip_id, "video_id": clip_id.split("_")[0], "label": "a, b", "caption_en": "x",
        "caption_zh": "钟", "n_samples": len(SOUND), "more": [1, 2],
    }  # fmt: skip
    buffer = io.BytesIO()
    soundfile.write(buffer, SOUND, 16000, format="FLAC", subtype="PCM_16")
    made = {"flac": buffer.getvalue(), "json": json.dumps(meta).encode()}
    for k in range(frames):
        prefix = f"{k}." if k else ""
        made[f"{prefix}360.jpg"] = encode(np.full((360, 360, 3), 40 * k + 20, np.uint8), "JPEG")
        made[f"{prefix}64.png"] = encode(np.full((64, 64, 3), 40 * k + 20, np.uint8), "PNG")
    return meta, made


def write(path, names=("a_0_1", "b_0_1"), frames=1):
    with ShardWriter(path, "train") as writer:
        for name in names:
            writer.add(*members(name, frames))
    return path


def test_what_is_written_is_read(tmp_path):
    first = write(tmp_path / "train-00000.tar", frames=2)
    second = write(tmp_path / "train-00001.tar", names=("c_0_1",))
    shards = MediaShards([first, second])
    assert [(c.clip_id, c.shard, c.label, c.caption_zh) for c in shards.clips] == [
        ("a_0_1", 0, "a, b", "钟"), ("b_0_1", 0, "a, b", "钟"), ("c_0_1", 1, "a, b", "钟"),
    ]  # fmt: skip
    assert np.array_equal(shards.audio(2), SOUND / np.float32(32768))
    assert np.array_equal(shards.audio(2, 100, 50), SOUND[100:150] / np.float32(32768))
    assert [shards.frames(i) for i in range(len(shards))] == [2, 2, 1]
    assert shards.image(1, 64, 1).shape == (64, 64, 3) and (shards.image(1, 64, 1) == 60).all()
    assert shards.image(0).shape == (360, 360, 3) and shards.meta(0)["more"] == [1, 2]
    copy = pickle.loads(pickle.dumps(shards))
    assert copy.audio(0).dtype == np.float32
    index = read_json(index_path(first))
    assert (index["shard"], index["split"], index["sha256"]) == ("train-00000", "train", sha256_of(first))
    assert verify_shard(first, decode=True) == 2


def test_threads_share_a_reader(tmp_path):
    shards = MediaShards([write(tmp_path / "s.tar")])
    found = []
    threads = [threading.Thread(target=lambda: found.append(shards.audio(1).sum())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1 and len(found) == 8


@settings(max_examples=30, deadline=None)
@given(
    contents=st.dictionaries(
        st.from_regex(r"[A-Za-z0-9_-]{1,80}\.flac", fullmatch=True), st.binary(max_size=1500)
    )
)
def test_the_tar_is_what_tarfile_reads(contents):
    buffer = io.BytesIO()
    writer = TarWriter(buffer)
    places = {name: writer.add(name, data) for name, data in contents.items()}
    writer.finish()
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue()), mode="r:") as archive:
        assert {m.name: archive.extractfile(m).read() for m in archive} == contents
        assert {m.name: (m.offset_data, m.size) for m in archive} == places


def test_a_failure_leaves_nothing_behind(tmp_path):
    with pytest.raises(RuntimeError), ShardWriter(tmp_path / "s.tar", "train") as writer:
        writer.add(*members("a_0_1"))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_clips_must_come_in_order(tmp_path):
    with pytest.raises(ValueError, match="in order"):
        write(tmp_path / "s.tar", names=("b_0_1", "a_0_1"))


def damage(path, place: int, data: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[place : place + len(data)] = data
    path.write_bytes(bytes(content))


def test_damage_is_found(tmp_path):
    path = write(tmp_path / "s.tar")
    damage(path, 600, b"xxxx")
    with pytest.raises(UserError, match="checksum"):
        verify_shard(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match="shorter than its index"):
        MediaShards([path]).audio(1)
    index_path(path).unlink()
    with pytest.raises(UserError, match="needs its index"):
        MediaShards([path])


@pytest.mark.parametrize("change, said", [("offset", "disagree"), ("drop", "lacks")])
def test_an_index_that_lies_is_found(tmp_path, change, said):
    path = write(tmp_path / "s.tar")
    index = read_json(index_path(path))
    place = index["clips"][0]["members"]
    if change == "offset":
        place["flac"][0] += 512
    else:
        meta, made = members("a_0_1")
        del made["64.png"]
        with ShardWriter(path, "train") as writer:
            writer.add(meta, made)
        index = read_json(index_path(path))
    index_path(path).write_text(json.dumps(index))
    with pytest.raises(UserError, match=said):
        verify_shard(path)


def test_a_list_stands_for_the_shards_of_a_split(tmp_path):
    tars = [write(tmp_path / "train-00000.tar"), write(tmp_path / "train-00001.tar", names=("c_0_1",))]
    write_list(tmp_path / "train.shards.json", "train", tars)
    listed, whole = MediaShards([tmp_path / "train.shards.json"]), MediaShards(tars)
    assert (listed.tars, listed.clips) == (whole.tars, whole.clips)
    assert read_json(tmp_path / "train.shards.json")["shards"] == {tar.stem: sha256_of(tar) for tar in tars}
    write_list(tmp_path / "test.shards.json", "test", [])
    assert len(MediaShards([tmp_path / "test.shards.json"])) == 0


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"shards": 3}', '{"shards": {"../x": ""}}', '{"shards": ["/x"]}']
)
def test_what_is_no_list_of_shards_is_refused(tmp_path, text):
    path = tmp_path / "train.shards.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"train\.shards\.json (is not a list of media shards|names '.*x')"):
        MediaShards([path])
