"""Files are whole or absent, and what a killed writer left is swept away by the next."""

import os
import subprocess
import sys

import pytest

from wavbrivl.files import atomic, write_text

KILLED = """
import os, signal, sys
from wavbrivl.files import atomic
with atomic(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), atomic(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_a_killed_writers_rest_is_swept_away(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a.txt")], check=False, timeout=60)
    assert [path.name.endswith(".part") for path in tmp_path.iterdir()] == [True]
    write_text(tmp_path / "a.txt", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_living_writers_file_stays(tmp_path):
    with atomic(tmp_path / "a.txt") as mine:
        mine.write_text("mine")
        other = mine.with_name(mine.name.replace(f".{os.getpid()}.", ".1."))
        other.write_text("another process is at it")
        write_text(tmp_path / "b.txt", "b")
        with atomic(tmp_path / "a.txt"):
            assert other.exists()
            mine.write_text("again")
        assert (tmp_path / "a.txt").read_text() == "again"
        mine.write_text("last")
    assert (tmp_path / "a.txt").read_text() == "last"
