"""The doctor on the machine: what is there is told, what is not there says what needs it."""

import os
from importlib import metadata
from types import SimpleNamespace

import pytest
import torch

from wavbrivl.cli.main import main
from wavbrivl.corpus import javascript
from wavbrivl.doctor import machine


def one(findings, subject):
    (finding,) = [finding for finding in findings if finding.subject == subject]
    return finding


def program(folder, name, says, stream=1):
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}' >&{stream}\n")
    path.chmod(0o755)


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A PATH with nothing but a shell on it, and neither Java nor a JavaScript runtime in a package."""
    (tmp_path / "bin").mkdir()
    for name in ("sh", "echo"):
        os.symlink(f"/bin/{name}", tmp_path / "bin" / name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(machine, "_bundled_java", lambda: None)
    monkeypatch.setattr(javascript, "BESIDE_PYTHON", tmp_path)
    return tmp_path / "bin"


def test_this_machine_can_run_the_project(tmp_path):
    findings = machine.inspect_machine(tmp_path)
    assert not [finding for finding in findings if finding.state == "failed"]
    assert (
        f"torch {torch.__version__.split('+')[0]}"
        in one([f for f in findings if f.state == "ok"], "packages").message
    )
    assert "ffmpeg version" in one(findings, "ffmpeg").message
    assert "GiB free" in one(findings, "disk").message


def test_what_is_absent_says_what_needs_it(bare, tmp_path):
    findings = machine.inspect_machine(tmp_path)
    assert one(findings, "ffmpeg").state == "ok"  # it comes with a package
    for subject, words in [
        ("java", "METEOR"),
        ("javascript", "YouTube"),
        ("conda", "--use-conda"),
        ("dvc", "dvc init"),
    ]:
        finding = one(findings, subject)
        assert finding.state == "absent" and words in finding.message


@pytest.mark.parametrize(
    ("says", "note"),
    [
        ('openjdk version "1.8.0_392"', False),
        ('openjdk version "11.0.21" 2023-10-17', False),
        ('openjdk version "17.0.15" 2025-04-15', True),
        ('openjdk version "25" 2025-09-16', True),
    ],
)
def test_java_too_new_for_spice_is_told(bare, tmp_path, says, note):
    program(bare, "java", says, stream=2)
    finding = one(machine.inspect_machine(tmp_path), "java")
    assert finding.state == "ok" and says in finding.message
    assert ("SPICE wants Java 8 to 11" in finding.message) == note


def test_programs_that_are_there_are_named(bare, tmp_path):
    program(bare, "deno", "deno 2.5.0")
    program(bare, "micromamba", "2.3.2")
    findings = machine.inspect_machine(tmp_path)
    assert one(findings, "javascript").message == "deno 2.5.0"
    assert one(findings, "conda").message == "micromamba 2.3.2"


def test_a_missing_package_is_failed_if_needed_and_absent_if_not(monkeypatch, tmp_path):
    version = metadata.version

    def without(name):
        if name in ("decord", "diffusers"):
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without)
    packages = {f.state: f.message for f in machine.inspect_machine(tmp_path) if f.subject == "packages"}
    assert "decord is not installed: pip install" in packages["failed"]
    assert "the diffusion generator needs it" in packages["absent"]


def test_gpus_are_named_and_a_full_disk_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    properties = SimpleNamespace(name="Some GPU", total_memory=80 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: properties)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: SimpleNamespace(free=3 * 2**30))
    findings = machine.inspect_machine(tmp_path)
    assert one(findings, "gpu").message == "Some GPU 80 GiB, Some GPU 80 GiB"
    assert one(findings, "disk").state == "warning" and "3 GiB free" in one(findings, "disk").message


@pytest.mark.parametrize(
    ("config", "local", "state", "words"),
    [
        ("", None, "absent", "dvc remote add"),
        (
            "[core]\n    remote = lab\n['remote \"lab\"']\n    url = /data\n",
            None,
            "ok",
            "remotes lab, default lab",
        ),
        ("['remote \"lab\"']\n    url = s3://x/%y\n", None, "warning", "default none"),
        ("['remote \"lab\"']\n    url = /data\n", "[core]\n    remote = lab\n", "ok", "default lab"),
        ("no section\n", None, "failed", "cannot be read"),
    ],
)
def test_dvc_remotes_are_read_from_its_own_files(tmp_path, config, local, state, words):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text(config)
    if local:
        (tmp_path / ".dvc" / "config.local").write_text(local)
    (tmp_path / "below").mkdir()
    finding = one(machine.inspect_machine(tmp_path / "below"), "dvc")
    assert finding.state == state and words in finding.message


def test_the_command_prints_every_finding(capsys):
    assert main(["doctor"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == ["subject", "state", "message"]
    assert {"machine", "ffmpeg", "java", "javascript", "gpu", "disk", "conda", "dvc"} <= {
        r.split()[0] for r in rows
    }
