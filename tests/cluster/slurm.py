"""A whole Slurm on this machine: munge, controller and one node as ordinary processes on loopback.

No systemd, no cgroups, no accounting database; the node has eight make-believe cores and two
make-believe GPUs (device files that exist everywhere). See `Slurm.missing` for what it needs.
"""

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "srun")
CONTROLLER_PORT, NODE_PORT = 16817, 16818

_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MinJobAge=3600
KillWait=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed.txt
EnforcePartLimits=ALL
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 Boards=1 SocketsPerBoard=1 CoresPerSocket=8 ThreadsPerCore=1 \
RealMemory=32000 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=7200 DefMemPerCPU=500 State=UP
PartitionName=gpu Nodes={host} MaxTime=7200 DefMemPerCPU=500 State=UP
"""
_GRES = """
NodeName={host} Name=gpu Type=fake File=/dev/null
NodeName={host} Name=gpu Type=fake File=/dev/zero
"""


@dataclass(frozen=True)
class Slurm:
    """A running cluster; `environment` is what its clients need."""

    folder: Path
    environment: dict[str, str]

    @staticmethod
    def missing() -> str | None:
        """Why no cluster can be started here, or None."""
        path = os.environ["PATH"] + os.pathsep + "/usr/sbin"
        absent = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
        if absent:
            return f"Slurm is not installed here (no {absent[0]}); .ci/run installs it"
        if os.getuid():
            return "Slurm's daemons are started as root here"
        return None

    @classmethod
    def start(cls, folder: Path) -> "Slurm":
        """Start the daemons below `folder` and wait until the node is idle."""
        host = _host()
        for name in ("state", "spool", "bin"):
            (folder / name).mkdir()
        values = {
            "host": host,
            "user": "root",
            "folder": folder,
            "controller_port": CONTROLLER_PORT,
            "node_port": NODE_PORT,
        }
        (folder / "slurm.conf").write_text(_CONF.format(**values), encoding="utf-8")
        (folder / "gres.conf").write_text(_GRES.format(**values), encoding="utf-8")
        (folder / "cgroup.conf").write_text("CgroupAutomount=no\n", encoding="utf-8")
        _write_srun(folder)
        path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"], "/usr/sbin"])
        cluster = cls(folder, os.environ | {"PATH": path, "SLURM_CONF": str(folder / "slurm.conf")})
        cluster._start_munge()
        cluster.ask("slurmctld", "-c")
        cluster.ask("slurmd")
        cluster.wait_until(lambda: cluster.node_state() == "idle", "the node is idle", 60)
        return cluster

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        files = {
            "key-file": "key",
            "socket": "socket",
            "pid-file": "pid",
            "log-file": "log",
            "seed-file": "seed",
        }
        self.ask("munged", "--force", *(f"--{k}={self.folder}/munge.{v}" for k, v in files.items()))

    def stop(self) -> None:
        """End every job and daemon."""
        subprocess.run(["scancel", "--user", "root"], env=self.environment, check=False, capture_output=True)
        time.sleep(1)
        for name in ("slurmd", "slurmctld", "munge"):
            _kill(self.folder / f"{name}.pid")

    def ask(self, *command: str) -> str:
        """Run a client or a daemon; its output."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def node_state(self) -> str:
        """Such as `idle`, `mixed`, `down`."""
        return self.ask("sinfo", "--noheader", "--format", "%T", "--partition", "main").strip()

    def lose_node(self) -> None:
        """Set the node down: its jobs fail."""
        self.ask("scontrol", "update", f"nodename={_host()}", "state=down", "reason=test")

    def bring_node_back(self) -> None:
        """Set the node up again, unless Slurm did so by itself when it heard of it."""

        def is_back() -> bool:
            if self.node_state() in {"idle", "mixed", "allocated"}:
                return True
            # Refused where Slurm was faster: the next look tells.
            command = ["scontrol", "update", f"nodename={_host()}", "state=resume"]
            subprocess.run(command, env=self.environment, check=False, capture_output=True)
            return False

        self.wait_until(is_back, "the node is back", 60)

    def jobs(self, *states: str) -> list[str]:
        """Ids of jobs in these states, all jobs without any."""
        wanted = ["--states", ",".join(states) if states else "all"]
        return self.ask("squeue", "--noheader", "--format", "%A", *wanted).split()

    def job(self, number: str) -> dict[str, str]:
        """What Slurm knows of one job, such as Partition, MinMemoryNode, JobState, Comment."""
        words = self.ask("scontrol", "--oneliner", "show", "job", number).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def all_jobs(self) -> list[dict[str, str]]:
        """Every job since the start, in the order of submission."""
        return [self.job(number) for number in sorted(self.jobs(), key=int)]

    def wait_until(self, true, what: str, seconds: float) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
            time.sleep(0.2)


def _host() -> str:
    return socket.gethostname().split(".")[0]


def _write_srun(folder: Path) -> None:
    """The executor's inner step drops SLURM_CONF; on a real cluster it lies in its usual place."""
    shim = folder / "bin/srun"
    real = shutil.which("srun")
    shim.write_text(f'#!/bin/sh\nSLURM_CONF="{folder}/slurm.conf" exec {real} "$@"\n', encoding="utf-8")
    shim.chmod(0o755)


def _kill(pid_file: Path) -> None:
    if pid_file.exists():
        subprocess.run(["kill", pid_file.read_text().strip()], check=False, capture_output=True)
