"""The workflow on a real Slurm: retries, time limits, a killed run, a lost node."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.checkouts import Checkout
from tests.cluster.slurm import Slurm
from tests.workflow.digests import digests

pytestmark = [pytest.mark.cluster, pytest.mark.workflow, pytest.mark.timeout(1200)]

BENCHMARK = "data/benchmarks/embedded/ESC-50/meta/esc50.csv"
FAST = ("--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10")


class Cluster:
    """A checkout whose jobs go to the cluster."""

    def __init__(self, checkout: Checkout, slurm: Slurm) -> None:
        self.path, self.slurm = checkout.path, slurm

    def command(self, *arguments: str, profile: str = "--workflow-profile") -> list[str]:
        return [
            *(sys.executable, "-m", "snakemake", profile, "profiles/slurm", *FAST, *arguments),
            *("--configfile", "config/test.yaml"),
        ]

    def start(self, *arguments: str, profile: str = "--workflow-profile") -> subprocess.Popen:
        log = (self.path / "snakemake.log").open("a")
        return subprocess.Popen(
            self.command(*arguments, profile=profile),
            cwd=self.path,
            env=self.slurm.environment | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *arguments: str, profile: str = "--workflow-profile") -> str:
        """Run to the end; what Snakemake said, its return code must be 0."""
        process = self.start(*arguments, profile=profile)
        code = process.wait(timeout=900)
        said = (self.path / "snakemake.log").read_text(encoding="utf-8")
        assert code == 0, said[-6000:]
        return said

    def edit_script(self, name: str, lines: str) -> None:
        """Make a rule's script misbehave: `lines` run before its own."""
        script = self.path / f"workflow/scripts/{name}.py"
        text = script.read_text(encoding="utf-8")
        script.write_text(text.replace("    with job(snakemake):\n", f"    with job(snakemake):\n{lines}", 1))

    def jobs_of_rule(self, name: str) -> list[dict[str, str]]:
        folder = os.path.realpath(self.path)
        found = [job for job in self.slurm.all_jobs() if os.path.realpath(job["WorkDir"]) == folder]
        return [job for job in found if re.match(rf"rule_{name}(_wildcards_|$)", job.get("Comment", ""))]


@pytest.fixture
def cluster(checkout, slurm) -> Cluster:
    return Cluster(checkout, slurm)


@pytest.mark.parametrize("profile", ["--workflow-profile", "--profile"])
def test_a_failed_job_asks_for_more_memory_and_time(cluster, profile):
    cluster.edit_script(
        "make_esc50",
        "        if snakemake.resources.mem_mb < 2000:\n            raise MemoryError('out of memory')\n",
    )
    cluster.run(BENCHMARK, "--default-resources", "slurm_partition=gpu", "mem_mb=1000", profile=profile)
    first, second = cluster.jobs_of_rule("make_esc50")
    assert (first["JobState"], second["JobState"]) == ("FAILED", "COMPLETED")
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("1000M", "2000M")
    assert (first["TimeLimit"], second["TimeLimit"]) == ("00:30:00", "01:00:00")
    assert first["Partition"] == second["Partition"] == "gpu"


def test_a_job_over_its_time_limit_is_tried_again_with_more(cluster):
    cluster.edit_script(
        "make_esc50",
        "        import time\n        time.sleep(600 * (snakemake.resources.runtime < 2))\n",
    )
    limit = "--set-resources", "make_esc50:runtime=attempt"
    cluster.run(BENCHMARK, *limit)
    first, second = cluster.jobs_of_rule("make_esc50")
    assert (first["JobState"], first["TimeLimit"]) == ("TIMEOUT", "00:01:00")
    assert (second["JobState"], second["TimeLimit"]) == ("COMPLETED", "00:02:00")


def test_a_run_that_gives_up_names_the_failed_rule(cluster):
    cluster.edit_script("make_esc50", "        raise MemoryError('out of memory')\n")
    process = cluster.start(BENCHMARK, "--retries", "1")
    assert process.wait(timeout=300) == 1
    said = (cluster.path / "snakemake.log").read_text(encoding="utf-8")
    assert "out of memory" in said
    assert len(cluster.jobs_of_rule("make_esc50")) == 2


def test_killed_run_and_lost_node_end_with_the_local_results(cluster, finished, slurm):
    process = cluster.start()
    # Longer than it takes: the job must be there when its submitter dies, and must not survive it.
    slurm.wait_until(lambda: cluster.jobs_of_rule("train_teacher"), "training of the teacher begins", 500)
    slurm.wait_until(lambda: cluster.jobs_of_rule("train_teacher")[0]["JobState"] == "RUNNING", "it runs", 60)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (orphan,) = cluster.jobs_of_rule("train_teacher")
    assert orphan["JobState"] in {"RUNNING", "COMPLETING"}

    process = cluster.start()
    slurm.wait_until(lambda: len(cluster.jobs_of_rule("train_teacher")) > 1, "it is submitted again", 120)
    assert slurm.job(orphan["JobId"])["JobState"] == "CANCELLED"
    second = cluster.jobs_of_rule("train_teacher")[1]["JobId"]
    slurm.wait_until(lambda: slurm.job(second)["JobState"] == "RUNNING", "it runs again", 120)
    slurm.lose_node()
    # Slurm puts the job back into the queue, or fails it and Snakemake submits it again.
    slurm.wait_until(
        lambda: slurm.job(second)["JobState"] in {"PENDING", "NODE_FAIL"}, "its node is lost", 60
    )
    slurm.bring_node_back()

    said = cluster.path / "snakemake.log"
    assert process.wait(timeout=900) == 0, said.read_text(encoding="utf-8")[-6000:]
    assert "Slurm jobs that a killed run of this folder had left" in said.read_text(encoding="utf-8")
    assert digests(cluster.path) == digests(finished.path)
    training = cluster.jobs_of_rule("train_audio_encoder")[-1]
    assert "gpu" in training["TresPerJob"]
    assert not cluster.jobs_of_rule("fetch_clips"), "fetching stays where Snakemake runs"


def test_cluster_clean_cancels_what_a_killed_run_left(cluster, slurm):
    cluster.edit_script("make_esc50", "        import time\n        time.sleep(600)\n")
    process = cluster.start(BENCHMARK)
    slurm.wait_until(
        lambda: any(job["JobState"] == "RUNNING" for job in cluster.jobs_of_rule("make_esc50")), "it runs", 60
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    command = [sys.executable, "-m", "wavbrivl.workflow.orphans"]
    done = subprocess.run(
        command, cwd=cluster.path, env=slurm.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "cancelled 1 Slurm jobs" in done.stdout
    assert cluster.jobs_of_rule("make_esc50")[0]["JobState"] == "CANCELLED"
    again = subprocess.run(
        command, cwd=cluster.path, env=slurm.environment, capture_output=True, text=True, check=False
    )
    assert "cancelled 0 Slurm jobs" in again.stdout


def test_a_fetch_rule_with_a_partition_runs_there(cluster):
    cluster.run(
        *("--set-resources", "fetch_clips:slurm_partition=gpu", "--until", "fetch_clips"),
        "data/embedded/clips/test-00000.tar",
    )
    assert {job["Partition"] for job in cluster.jobs_of_rule("fetch_clips")} == {"gpu"}
