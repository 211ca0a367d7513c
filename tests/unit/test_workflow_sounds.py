"""Sounds that come later, or are repaired, are noticed in any depth; a copy elsewhere is the same."""

import os
import shutil

import pytest

from wavbrivl.workflow.sounds import sounds_digest


def digest(*folders):
    sounds_digest.cache_clear()
    return sounds_digest(*map(str, folders))


@pytest.fixture
def folder(tmp_path):
    for name in ("fold1/a.wav", "fold3/ b #1.wav", "fold3/\udcff.wav"):
        path = tmp_path / "audio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")
    return tmp_path / "audio"


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "fold3/c.wav").write_bytes(b"new"),
        lambda folder: (folder / "fold3/ b #1.wav").write_bytes(b"a whole sound"),
        lambda folder: (folder / "fold1/a.wav").unlink(),
        lambda folder: (folder / "fold1/a.wav").rename(folder / "fold3/a.wav"),
    ],
)
def test_what_changes_below_is_noticed(folder, change):
    before = digest(folder)
    change(folder)
    assert digest(folder) != before


def test_the_same_files_of_another_time_and_place_are_the_same(folder, tmp_path):
    before = digest(folder)
    os.utime(folder / "fold1/a.wav", (1, 1))
    assert digest(folder) == before
    assert digest(shutil.copytree(folder, tmp_path / "restored")) == before
    (tmp_path / "linked").symlink_to(folder)
    assert digest(tmp_path / "linked") == before


def test_files_of_one_folder_are_not_those_of_another(folder, tmp_path):
    (tmp_path / "none").mkdir()
    assert digest(folder, tmp_path / "none") != digest(tmp_path / "none", folder)
    assert digest(tmp_path / "absent") == digest(tmp_path / "none")
