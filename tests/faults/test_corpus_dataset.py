"""The registry, and datasets fetched through it from hosts that fail."""

import csv
import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
import yaml
from tests.corpus_server import ScriptedServer

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus import fetch as fetch_module
from wavbrivl.corpus import web as web_module
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.dataset import fetch_dataset
from wavbrivl.corpus.download import digest_of, download
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.lists import VERSIONS
from wavbrivl.corpus.registry import find_version, read_registry
from wavbrivl.errors import UserError

FETCH = FetchConfig(attempts=2, timeout_seconds=1.5)
ROWS = "".join(f"{i}.wav,0\n" for i in range(5))


def archive_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Tiny-master/meta/tiny.csv", "filename,fold\n" + ROWS)
        for i in range(5):
            archive.writestr(f"Tiny-master/audio/{i}.wav", bytes([i]) * 2000)
    return buffer.getvalue()


ARCHIVE = archive_bytes()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "FIRST_WAIT", 0.001)


@pytest.fixture
def server():
    with ScriptedServer(ARCHIVE) as running:
        yield running


def registry(tmp_path: Path, address: str, **changes) -> Path:
    file = {
        "name": "tiny.zip",
        "address": address,
        "limit": 10**6,
        "sha256": hashlib.sha256(ARCHIVE).hexdigest(),
        "unpack": {"limit": 10**6, "root": "Tiny-master"},
    }
    version = {
        "counts": {"files": 5},
        "source": "a test",
        "expect": {"meta/tiny.csv": 5, "audio": 5},
        "files": [file | changes.pop("file", {})],
    }
    dataset = {
        "title": "Tiny", "page": "https://example.org/", "licence": "none", "size": "small",
        "method": "files", "default": "v1", "versions": {"v1": version | changes.pop("version", {})},
    }  # fmt: skip
    path = tmp_path / "registry.yaml"
    path.write_text(yaml.safe_dump({"Tiny": dataset | changes}))
    return path


def fetched(tmp_path: Path, path: Path) -> Path:
    folder = tmp_path / "benchmarks" / "Tiny"
    fetch_dataset("Tiny", folder, tmp_path / "benchmarks" / ".spool", FETCH, registry=path)
    return folder


# The shipped registry.


def test_the_shipped_registry_is_sound_and_agrees_with_the_code():
    shipped = read_registry()
    assert {"VGG-Sound", "AudioSet", "ESC-50", "UrbanSound8K", "DESED", "Clotho", "VEGAS"} <= set(shipped)
    counts = [version.counts for version in shipped["VGG-Sound"].versions.values()]
    # The repository's train.csv and test.csv are halves of one registered version.
    whole = {(train, test) for written, train, test in VERSIONS if written == "vggsound" and train and test}
    assert {(c["train"], c["test"]) for c in counts} == whole
    assert all(c["rows"] == c["train"] + c["test"] for c in counts)
    for dataset in shipped.values():
        for version in dataset.versions.values():
            for file in version.files:
                assert file.checksum or version.note or file.note
                assert not file.unpack or file.unpack.limit >= file.limit


def test_the_registrys_facts_hold_for_real_samples(real_data):
    table = real_data / "ESC-50" / "meta" / "esc50.csv"
    if not table.is_file():
        pytest.skip("the whole ESC-50 table is not among the samples")
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == find_version("ESC-50")[1].expect["meta/esc50.csv"]


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"licence": None}, "Tiny.licence"),
        ({"colour": "red"}, "Tiny.colour"),
        ({"default": "v9"}, "v9"),
        ({"file": {"address": "file:///etc/passwd"}}, "address"),
        ({"file": {"name": "../x"}}, "name"),
        ({"file": {"sha256": "abc"}}, "sha256"),
        ({"file": {"sha256": None}}, "no checksum and no note"),
        ({"file": {"bytes": 10**9}}, "more than its limit"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, changes, said):
    with pytest.raises(UserError, match=re.escape(said)):
        read_registry(registry(tmp_path, "http://127.0.0.1/x", **changes))


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(UserError, match="ESC-50"):
        find_version("ESC50")
    with pytest.raises(UserError, match="website"):
        find_version("VGG-Sound", "2")


def test_what_no_program_can_fetch_says_where_to_go(tmp_path):
    with pytest.raises(UserError, match=r"VEGAS cannot be fetched by a program.*drive\.google\.com"):
        fetch_dataset("VEGAS", tmp_path / "VEGAS", tmp_path / "spool", FETCH)


# Fetching.


def test_a_dataset_in_its_publishers_layout_with_a_record(tmp_path, server):
    folder = fetched(tmp_path, registry(tmp_path, server.address("200")))
    assert len(list((folder / "audio").iterdir())) == 5
    record = json.loads((folder / "dataset.json").read_text())
    assert record["files"][0]["checked"] and record["version"] == "v1"
    assert not (tmp_path / "benchmarks" / ".spool" / "Tiny").exists()
    before = server.seen.total()
    fetched(tmp_path, registry(tmp_path, server.address("200")))  # again: its own folder is replaced
    assert server.seen.total() == before + 1


def test_an_interrupted_transfer_goes_on_where_it_stopped(tmp_path, server):
    address = server.address("resumable")
    fetched(tmp_path, registry(tmp_path, address))
    assert server.gets["/resumable/v.mp4"] == 2
    assert server.sent["/resumable/v.mp4"] <= 1.6 * len(ARCHIVE)


def test_a_kill_after_the_last_byte_asks_for_no_byte_again(tmp_path, server):
    target = tmp_path / "x.zip"
    (tmp_path / "x.zip.part").write_bytes(ARCHIVE)
    note = {"address": server.address("resumable"), "version": '"tag"'}
    (tmp_path / "x.zip.part.json").write_text(json.dumps(note))
    server.seen["/resumable/v.mp4"] = 1
    download(server.address("resumable"), target, 10**6, None, FETCH, tmp_path)
    assert target.read_bytes() == ARCHIVE and server.sent["/resumable/v.mp4"] == 0


def test_a_part_of_another_file_is_not_continued(tmp_path, server):
    (tmp_path / "x.zip.part").write_bytes(b"other" * 100)
    (tmp_path / "x.zip.part.json").write_text('{"address": "http://elsewhere/", "version": "\\"tag\\""}')
    download(server.address("200"), tmp_path / "x.zip", 10**6, None, FETCH, tmp_path)
    assert (tmp_path / "x.zip").read_bytes() == ARCHIVE


FAILURES = [
    ("403", "forbidden", 2),
    ("404", "not-found", 1),
    ("410", "gone", 1),
    ("500", "server-error", 2),
    ("reset", "network", 2),
    ("truncated", "network", 2),
    ("stall", "timeout", 2),
    ("html", "web page", 1),
    ("loop", "unsupported", 11),
]


@pytest.mark.parametrize("behaviour, said, requests", FAILURES)
def test_a_failing_host_is_one_sentence_and_leaves_no_folder(tmp_path, server, behaviour, said, requests):
    with pytest.raises(UserError, match=f"tiny.zip could not be downloaded.*{said}"):
        fetched(tmp_path, registry(tmp_path, server.address(behaviour)))
    assert server.gets[f"/{behaviour}/v.mp4"] <= requests
    assert not (tmp_path / "benchmarks" / "Tiny").exists()


def test_a_trickle_ends_by_the_time_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(web_module, "SLOWEST", 100_000)  # the server gives 20,000 bytes a second
    config = FetchConfig(attempts=1, timeout_seconds=0.5)
    with ScriptedServer(bytes(400_000)) as slow, pytest.raises(SourceError, match="too slow") as caught:
        download(slow.address("trickle"), tmp_path / "x", 10**6, None, config, tmp_path)
    assert caught.value.status == Status.TIMEOUT


def test_the_archive_address_stands_in(tmp_path, server):
    path = registry(tmp_path, server.address("404"), file={"archives": [server.address("200")]})
    assert (fetched(tmp_path, path) / "meta" / "tiny.csv").is_file()


def test_429_blocks_the_host_for_every_dataset(tmp_path, server):
    with pytest.raises(UserError, match=r"rate-limited by 127\.0\.0\.1"):
        fetched(tmp_path, registry(tmp_path, server.address("429")))
    asked = server.seen.total()
    with pytest.raises(UserError, match="is not asked before"):
        fetched(tmp_path, registry(tmp_path, server.address("200")))
    assert server.seen.total() == asked


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"file": {"sha256": "0" * 64}}, "sha256 is not 000"),
        ({"file": {"limit": 1000}}, "more than 1000"),
        ({"file": {"unpack": {"limit": 5000, "root": "Tiny-master"}}}, "more than 5000 bytes"),
        ({"file": {"unpack": {"limit": 10**6, "root": "Other"}}}, "no folder 'Other'"),
        ({"version": {"expect": {"audio": 6}}}, "audio has 5 entries instead of 6"),
        ({"version": {"expect": {"sound": 5}}}, "sound is not in"),
    ],
)
def test_what_is_not_as_registered_is_refused(tmp_path, server, changes, said):
    with pytest.raises(UserError, match=said):
        fetched(tmp_path, registry(tmp_path, server.address("200"), **changes))
    assert not (tmp_path / "benchmarks" / "Tiny").exists()


def test_a_folder_of_the_users_own_is_left_alone(tmp_path, server):
    own = tmp_path / "benchmarks" / "Tiny" / "mine.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    with pytest.raises(UserError, match="not fetched here"):
        fetched(tmp_path, registry(tmp_path, server.address("200")))
    assert own.read_text() == "mine" and server.seen.total() == 0


def test_checksums_are_the_publishers_kinds(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"hello\n")
    assert digest_of(path, "git_blob") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert digest_of(path, "md5") == "b1946ac92492d2347c6235b4d2611184"
