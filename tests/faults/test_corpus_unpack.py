"""Hostile archives: refused in one sentence, nothing written outside the folder, nothing left inside."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavbrivl.corpus import unpack as unpack_module
from wavbrivl.corpus.unpack import unpack
from wavbrivl.errors import UserError

LIMIT = 10_000_000


def tar_of(path: Path, *members: tarfile.TarInfo | tuple[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return path


def zip_of(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return path


def special(name: str, kind: bytes, target: str = "/etc/passwd") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def zip_link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def refused(archive: Path, said: str, limit: int = LIMIT) -> None:
    root = archive.parent
    before = sorted(p for p in root.rglob("*") if p != root / "in")
    with pytest.raises(UserError, match=said) as caught:
        unpack(archive, root / "in" / "here", limit)
    assert archive.name in str(caught.value) and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert sorted(p for p in root.rglob("*") if p != root / "in") == before


def test_sound_archives_are_unpacked_whatever_the_names(tmp_path):
    files = [
        ("a/mall  loud voices.wav", b"1"),
        ("a/Remix #3  of 30938__x.wav", b"2"),
        ("a/ü (1), b.wav", b"3"),
    ]
    archives = [
        zip_of(tmp_path / "x.zip", ("a/", b""), *files),
        tar_of(tmp_path / "x.tar.gz", special("a", tarfile.DIRTYPE), *files),
        tar_of(tmp_path / "x.tar", *files, mode="w"),
    ]
    for archive in archives:
        folder = tmp_path / f"out-{archive.name}"
        unpack(archive, folder, LIMIT)
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.wav")}
        assert found == dict(files)
        assert all(stat.S_IMODE(p.stat().st_mode) & 0o111 == 0 for p in folder.rglob("*.wav"))


HOSTILE = [
    ("/abs/x", "absolute"),
    ("../x", "leads out"),
    ("a/../../x", "leads out"),
    ("a/..", "leads out"),
    ("C:/x", "absolute"),
    ("..\\x", "backslash|absolute|leads"),
    ("a\nb", "control"),
    ("a\x1b[2Jb", "control"),
    ("b" * 300, "too long"),
    ("/".join(["c" * 100] * 20), "too long"),
]


@pytest.mark.parametrize("name, said", HOSTILE)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_names_that_lead_elsewhere(tmp_path, kind, name, said):
    if kind == "tar":
        archive = tar_of(tmp_path / "x.tar.gz", ("good", b"1"), (name, b"evil"))
    else:
        archive = zip_of(tmp_path / "x.zip", ("good", b"1"), (zipfile.ZipInfo(name), b"evil"))
    refused(archive, said)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices(tmp_path, kind):
    refused(tar_of(tmp_path / "x.tar", special("d", kind), ("d/x", b"evil"), mode="w"), "link, a device")


def test_links_in_a_zip(tmp_path):
    refused(zip_of(tmp_path / "x.zip", (zip_link("d"), b"/etc")), "link")


@pytest.mark.parametrize("second", ["x", "X", "./x", "x/y", "e\u0301"])
def test_two_members_of_one_name(tmp_path, second):
    first = "\u00e9" if second == "e\u0301" else "x"
    refused(tar_of(tmp_path / "x.tar.gz", (first, b"1"), (second, b"2")), "two members|below a file")


def test_a_file_in_the_place_of_a_folder(tmp_path):
    refused(tar_of(tmp_path / "x.tar.gz", ("x/y", b"1"), ("x", b"2")), "two members")


def test_bombs(tmp_path):
    bomb = bytes(50_000_000)
    refused(zip_of(tmp_path / "x.zip", ("x", bomb)), "bomb", limit=10**9)
    refused(tar_of(tmp_path / "x.tar.gz", ("x", bomb)), "bomb", limit=10**9)
    refused(
        tar_of(tmp_path / "y.tar", ("x", os.urandom(60_000)), mode="w"), "more than 50000 bytes", limit=50_000
    )


def test_a_bomb_in_an_extended_header(tmp_path):
    header = special("././@PaxHeader", tarfile.XHDTYPE, "")
    header.size = 400_000_000
    path = tmp_path / "x.tar.gz"
    with gzip.open(path, "wb") as handle:
        handle.write(header.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(100):
            handle.write(bytes(4_000_000))
    refused(path, "bomb", limit=10**10)


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack_module, "MAX_FILES", 3)
    refused(tar_of(tmp_path / "x.tar.gz", *((f"{i}", b"") for i in range(4))), "more than 3 files")


def test_encrypted_and_foreign_archives(tmp_path):
    archive = zip_of(tmp_path / "x.zip", ("x", b"1"))
    data = bytearray(archive.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    refused(archive, "encrypted")
    (tmp_path / "x.rar").write_bytes(b"Rar!\x1a\x07\x00")
    refused(tmp_path / "x.rar", "no zip, tar")


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(1, 3000), kind=st.sampled_from(["zip", "tar.gz", "tar"]), flip=st.booleans())
def test_a_damaged_archive_is_refused_or_whole(tmp_path_factory, cut, kind, flip):
    root = tmp_path_factory.mktemp("damaged")
    data = os.urandom(2000)
    path = root / f"x.{kind}"
    make = {"zip": zip_of, "tar.gz": tar_of}.get(kind, lambda p, m: tar_of(p, m, mode="w"))
    make(path, ("x.wav", data))
    content = bytearray(path.read_bytes())
    place = cut % len(content)
    if flip:
        content[place] ^= 0x41
    path.write_bytes(content if flip else content[:place])
    try:
        unpack(path, root / "out", LIMIT)
    except UserError as error:
        assert path.name in str(error) and not (root / "out").exists()
    else:
        assert all(p.is_relative_to(root / "out") for p in (root / "out").rglob("*"))
    assert {p.name for p in root.iterdir()} <= {path.name, "out"}


SEVEN_ZIP = """#!/bin/sh
case "$1" in
l) cat "{listing}" ;;
x) for a in "$@"; do case "$a" in -o*) mkdir -p "${{a#-o}}/evaluation"; {action} ;; esac; done ;;
esac
"""


def seven_zip(tmp_path: Path, monkeypatch, listing: str, action: str = ":") -> Path:
    (tmp_path / "listing").write_text(f"7-Zip\n\n----------\n{listing}")
    program = tmp_path / "bin" / "7z"
    program.parent.mkdir()
    program.write_text(SEVEN_ZIP.format(listing=tmp_path / "listing", action=action))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr(unpack_module, "_SEVEN_ZIP", ("7z",))
    archive = tmp_path / "x.7z"
    archive.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    return archive


def test_7z_needs_its_program(tmp_path, monkeypatch):
    archive = seven_zip(tmp_path, monkeypatch, "")
    monkeypatch.setattr(unpack_module, "_SEVEN_ZIP", ("no-such-program",))
    refused(archive, "the program 7z is needed")


def test_7z_is_listed_before_it_is_unpacked(tmp_path, monkeypatch):
    good = "Path = evaluation/a  b.wav\nSize = 1\nAttributes = A -rw-r--r--\n"
    archive = seven_zip(tmp_path, monkeypatch, good, 'printf 1 > "${a#-o}/evaluation/a  b.wav"')
    assert unpack(archive, tmp_path / "out", LIMIT) == 1
    assert (tmp_path / "out" / "evaluation" / "a  b.wav").read_bytes() == b"1"


@pytest.mark.parametrize(
    "entry, said",
    [
        ("Path = ../x\nSize = 1\nAttributes = A\n", "leads out"),
        ("Path = /x\nSize = 1\nAttributes = A\n", "absolute"),
        ("Path = x\nSize = 99999999999\nAttributes = A\n", "more than"),
        ("Path = x\nSize = 1\nAttributes = A lrwxrwxrwx\n", "link"),
        ("Path = x\nSize = 1\nAttributes = A\n\nPath = x\nSize = 1\nAttributes = A\n", "two members"),
    ],
)
def test_hostile_7z(tmp_path, monkeypatch, entry, said):
    refused(seven_zip(tmp_path, monkeypatch, entry, "touch evil"), said)


def test_what_7z_wrote_is_looked_at(tmp_path, monkeypatch):
    entry = "Path = x\nSize = 1\nAttributes = A\n"
    refused(seven_zip(tmp_path, monkeypatch, entry, 'ln -s /etc "${a#-o}/x"'), "link or a device")
