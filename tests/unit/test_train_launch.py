"""Starting a training: here, on several processes through torchrun, on several nodes through Slurm."""

import logging
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tests.train_corpus import FakeShards, tiny_audio, tiny_training, write_embeddings, write_shard

from wavbrivl.errors import UserError
from wavbrivl.train import distributed, launch
from wavbrivl.train.loop import DivergedError
from wavbrivl.train.orphans import die_with_parent
from wavbrivl.train.task import Task

SLURM = {"SLURM_JOB_ID": "41234", "SLURM_JOB_NUM_NODES": "2", "SLURMD_NODENAME": "node7"}


def task(out, **changes) -> Task:
    values = {
        "media": {"train": [], "validation": []},
        "embeddings": {"train": ["a.npy", "a.csv"], "validation": ["b.npy", "b.csv"]},
        "audio_encoder": tiny_audio().model_dump(mode="json"),
        "training": tiny_training().model_dump(mode="json"),
        "out": str(out),
        "seed": 3,
        "teacher": {"dim": 8},
        "revision": "1",
    }
    return Task(**{**values, **changes})


def fake_gpus(monkeypatch, count: int) -> list:
    """Pretend that there are GPUs; returns what training was started with."""
    started: list = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(launch, "own_gpus", lambda wanted, there: list(range(there - wanted, there)))
    monkeypatch.setattr(Task, "run", lambda self: started.append("here"))
    monkeypatch.setattr(launch, "run_processes", lambda _, command, env: started.append((command, env)))
    return started


@pytest.mark.parametrize(("gpus", "there"), [(1, 0), (4, 0), (1, 4), (2, 1)])
def test_one_gpu_or_none_trains_in_this_process(monkeypatch, tmp_path, gpus, there):
    started = fake_gpus(monkeypatch, there)
    launch.train(task(tmp_path), gpus)
    assert started == ["here"]


def test_several_gpus_start_torchrun_on_devices_of_their_own(monkeypatch, tmp_path):
    started = fake_gpus(monkeypatch, 4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    launch.train(task(tmp_path), 2)
    ((command, environment),) = started
    assert "--nproc-per-node=2" in command and command[-2:] == ["-m", "wavbrivl.train.distributed"]
    assert environment["CUDA_VISIBLE_DEVICES"] == "6,7"


def test_fewer_gpus_than_asked_for_are_said(monkeypatch, tmp_path, caplog):
    started = fake_gpus(monkeypatch, 2)
    with caplog.at_level(logging.WARNING, "wavbrivl"):
        launch.train(task(tmp_path), 3)
    assert "asks for 3 GPUs and sees 2" in caplog.text and "--nproc-per-node=2" in started[0][0]


def test_several_nodes_start_torchrun_on_each_through_srun():
    command = launch.multi_node_command(2, SLURM)
    assert command[0] == "srun" and {"--overlap", "--nodes=2", "--ntasks-per-node=1"} <= set(command)
    assert {"--nnodes=2", "--nproc-per-node=gpu", "--rdzv-id=41234", "--rdzv-backend=c10d"} <= set(command)
    assert f"--rdzv-endpoint=node7:{20000 + 41234 % 20000}" in command


@pytest.mark.parametrize("environment", [{}, {**SLURM, "SLURM_JOB_NUM_NODES": "3"}])
def test_several_nodes_without_slurm_are_refused(environment):
    with pytest.raises(UserError, match="no Slurm job on 2 nodes"):
        launch.multi_node_command(2, environment)


def test_a_job_becomes_a_task_that_survives_json(tmp_path):
    params = {"shards": {"train": ["train-00000", "train-00001"], "validation": ["validation-00000"]}}
    params |= {"audio_encoder": {"embedding_dim": 4}, "training": {"steps": 2}, "seed": 1}
    params |= {"teacher": {"dim": 8}, "revision": "abc"}
    inputs = {"matrices": ["t.npy", "v.npy"], "rows": ["t.csv", "v.csv"]}
    inputs |= {"media": ["data/x/media/train-00000.tar"]}
    job = SimpleNamespace(
        input=SimpleNamespace(**inputs), params=SimpleNamespace(**params), threads=8, resources={"gpu": 2}
    )
    made = Task.of_job(job, tmp_path)
    assert made.media["train"][1] == "data/x/media/train-00001.tar"
    assert made.embeddings == {"train": ["t.npy", "t.csv"], "validation": ["v.npy", "v.csv"]}
    assert made.readers == 3
    made.write(tmp_path / "task.json")
    assert Task.read(tmp_path / "task.json") == made


def fake_processes(tmp_path, text: str) -> None:
    launch.run_processes(task(tmp_path), [sys.executable, "-c", text], dict(os.environ))


def test_lines_of_the_processes_are_logged(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "wavbrivl"):
        fake_processes(tmp_path, "import sys; print('step 3'); print('careful', file=sys.stderr)")
    assert {"step 3", "careful"} <= {record.message for record in caplog.records}


@pytest.mark.parametrize(("kind", "error"), [("UserError", UserError), ("DivergedError", DivergedError)])
def test_what_a_process_refuses_is_raised_as_its_sentence(tmp_path, kind, error):
    text = f"print({distributed.MARK!r} + '{kind}: row 3: no sound'); print('noise'); raise SystemExit(1)"
    with pytest.raises(error, match="^row 3: no sound$") as refused:
        fake_processes(tmp_path, text)
    assert type(refused.value) is error


def test_processes_that_end_without_a_word_are_an_error(tmp_path):
    with pytest.raises(UserError, match="exit code 7"):
        fake_processes(tmp_path, "raise SystemExit(7)")


def test_torchrun_trains_together(tmp_path, caplog):
    """The real command with two processes, from shards on disk."""
    shards = {"train": FakeShards("train", 8), "validation": FakeShards("validation", 4)}
    made = task(
        tmp_path / "out",
        media={split: [str(write_shard(tmp_path, split, s))] for split, s in shards.items()},
        embeddings={split: [*map(str, write_embeddings(tmp_path, split, s))] for split, s in shards.items()},
        training=tiny_training(steps=3, validate_every=2).model_dump(mode="json"),
    )
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    with caplog.at_level(logging.INFO, "wavbrivl"):
        launch.run_processes(made, launch.one_node_command(2), environment)
    assert torch.load(tmp_path / "out" / "last.pt", weights_only=True)["step"] == 3
    assert sum("validation: step 3" in record.message for record in caplog.records) == 1


def test_a_process_does_not_outlive_the_one_that_started_it():
    """Else a killed job would leave a training behind that writes into the folder of the next one."""
    ours, theirs = os.pipe()
    middle = os.fork()
    if not middle:
        inner = os.fork()
        if not inner:
            die_with_parent()
            os.write(theirs, f"{os.getpid()}\n".encode())
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
        os._exit(0)
    inner = int(os.read(ours, 32))
    os.kill(middle, signal.SIGKILL)
    os.waitpid(middle, 0)
    deadline = time.monotonic() + 20
    while _runs(inner) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(inner)


def _runs(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
