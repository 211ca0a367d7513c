"""Sharing out GPUs between jobs of one machine, with devices that exist in name only."""

import os
import time

import pytest

from wavbrivl import gpus
from wavbrivl.gpus import gpu_names, own_gpus, take

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def taken(monkeypatch, tmp_path):
    """Nothing is taken, and locks lie in a folder of this test."""
    monkeypatch.setattr(gpus, "_taken", [])
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))


def job(folder, names, count, hold):
    """A process that takes GPUs, tells which, and holds them until it is told to end."""
    tell, told = os.pipe()
    pid = os.fork()
    if not pid:
        held = take(names, count, folder, pause=0.01)
        os.write(told, " ".join(names[i] for i, _ in held).encode())
        os.read(hold, 1)
        os._exit(0)
    os.close(told)
    return pid, tell


def test_jobs_side_by_side_get_devices_of_their_own_and_the_next_one_waits(tmp_path):
    hold, let_go = os.pipe()
    jobs = [job(tmp_path, ["a", "b"], 1, hold) for _ in range(2)]
    assert {os.read(tell, 9).decode() for _, tell in jobs} == {"a", "b"}
    late, tell = job(tmp_path, ["a", "b"], 1, hold)
    os.set_blocking(tell, False)
    time.sleep(0.1)
    with pytest.raises(BlockingIOError):
        os.read(tell, 9)
    # Killed, not ended: the lock goes all the same.
    os.kill(jobs[0][0], 9)
    os.waitpid(jobs[0][0], 0)
    os.set_blocking(tell, True)
    assert os.read(tell, 9).decode() in {"a", "b"}
    os.write(let_go, b"..")
    for pid in (jobs[1][0], late):
        os.waitpid(pid, 0)


def test_several_are_taken_all_or_none(tmp_path):
    names = ["a", "b", "c"]
    hold, let_go = os.pipe()
    hold_all, let_all_go = os.pipe()
    one, tell_one = job(tmp_path, names, 1, hold)
    first = os.read(tell_one, 9).decode()
    everything, tell_all = job(tmp_path, names, 3, hold_all)
    time.sleep(0.1)
    # The one that waits for all of them holds none meanwhile.
    two, tell_two = job(tmp_path, names, 2, hold)
    assert {first, *os.read(tell_two, 9).decode().split()} == set(names)
    os.write(let_go, b"..")
    assert os.read(tell_all, 9).decode() == "a b c"
    os.write(let_all_go, b".")
    for pid in (one, two, everything):
        os.waitpid(pid, 0)


def test_a_process_keeps_what_it_has(taken):
    first = own_gpus(1, 4, {})
    assert own_gpus(1, 4, {}) == first
    assert own_gpus(2, 4, {})[:1] == first


@pytest.mark.parametrize(
    ("environment", "there", "expected"),
    [
        ({"LOCAL_RANK": "3"}, 4, [3]),
        ({"SLURM_JOB_ID": "9"}, 4, [0]),
        ({}, 1, [0]),
    ],
)
def test_who_was_given_a_device_takes_no_lock(taken, tmp_path, environment, there, expected):
    assert own_gpus(1, there, environment) == expected
    assert not list(tmp_path.iterdir())


def test_names_are_those_of_the_machine():
    assert gpu_names(2, {}) == ["0", "1"]
    assert gpu_names(2, {"CUDA_VISIBLE_DEVICES": "3, GPU-8a/b"}) == ["3", "GPU-8a/b"]


def test_a_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus.os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(gpus.UserError, match="another user"):
        take(["a"], 1, tmp_path)
