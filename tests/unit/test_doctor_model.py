"""The doctor on a model's folder: what fits is ok, every fault is found and named."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.tiny_model import write_run

from wavbrivl.cli.main import main
from wavbrivl.doctor.model import inspect_model
from wavbrivl.files import read_json, write_json


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_run(folder)
    return folder


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def states(findings):
    return [(finding.subject, finding.state) for finding in findings]


def said(findings, state):
    return " | ".join(finding.message for finding in findings if finding.state == state)


def test_a_whole_model_is_ok(run):
    findings = inspect_model(run / "model")
    assert {finding.state for finding in findings} == {"ok"}
    text = said(findings, "ok")
    assert "style of base (2 layers of width 16)" in text and "embedding 12, teacher space 16" in text
    count = len(load_file(run / "model" / "model.safetensors"))
    assert f"all {count} keys and shapes fit" in text
    assert "16 dimensions, reads 'zh'" in text


def _nan(model):
    weights = load_file(model / "model.safetensors")
    weights["heads.mlp.0.bias"][0] = torch.nan
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})


def _lacking(model):
    weights = load_file(model / "model.safetensors")
    del weights["heads.mlp.0.bias"]
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})


def _other_rate(model):
    path = model / "preprocessor_config.json"
    write_json(path, read_json(path) | {"sampling_rate": 8000})


def _no_config(model):
    (model / "config.json").unlink()


def _damaged_preprocessor(model):
    (model / "preprocessor_config.json").write_text("{}")


def _damaged_teacher(model):
    (model.parent / "teacher" / "model.safetensors").write_bytes(b"no weights")


def _teacher_without_vocabulary(model):
    (model.parent / "teacher" / "vocab.txt").unlink()


def _other_teacher(model):
    write_run(model.parent / "other", seed=9)
    shutil.rmtree(model.parent / "teacher")
    (model.parent / "other" / "teacher").rename(model.parent / "teacher")


@pytest.mark.parametrize(
    ("damage", "subject", "words"),
    [
        (_nan, "model", "1 weights are not finite, first heads.mlp.0.bias"),
        (_lacking, "model", "1 missing (first: heads.mlp.0.bias)"),
        (_other_rate, "model", "rate or normalisation differ"),
        (_no_config, "model", "config.json is missing"),
        (_damaged_preprocessor, "model", "preprocessor_config.json cannot be read"),
        (_damaged_teacher, "teacher", "another teacher"),
        (_teacher_without_vocabulary, "teacher", "does not exist"),
        (_other_teacher, "teacher", "another teacher"),
    ],
)
def test_every_fault_is_failed_and_named(run, damage, subject, words):
    damage(run / "model")
    failed = [finding for finding in inspect_model(run / "model") if finding.state == "failed"]
    assert [finding.subject for finding in failed] == [subject]
    assert words in failed[0].message and "\n" not in failed[0].message


def test_what_is_optional_is_absent_or_a_warning(run, tmp_path):
    (run / "model" / "README.md").unlink()
    (run / "model" / "preprocessor_config.json").unlink()
    (run / "teacher").rename(tmp_path / "teacher")
    findings = inspect_model(run / "model")
    assert "failed" not in {finding.state for finding in findings}
    assert "no model card" in said(findings, "absent") and "no teacher" in said(findings, "absent")
    assert "preprocessor_config.json is missing" in said(findings, "warning")
    shutil.copytree(tmp_path / "teacher", run / "elsewhere")
    assert ("teacher", "ok") in states(inspect_model(run / "model", run / "elsewhere"))
    assert ("teacher", "failed") in states(inspect_model(run / "model", run / "nowhere"))


def test_a_model_that_does_not_know_its_teacher_is_a_warning(run):
    path = run / "model" / "config.json"
    write_json(path, read_json(path) | {"teacher": {"kind": "brivl"}})
    assert "does not say which teacher" in said(inspect_model(run / "model"), "warning")


def test_the_command_ends_with_1_where_a_check_failed(run, capsys):
    assert main(["doctor", "--model", str(run / "model")]) == 0
    assert "keys and shapes fit" in capsys.readouterr().out
    _nan(run / "model")
    assert main(["doctor", "--format", "json", "--model", str(run / "model")]) == 1
    assert '"state": "failed"' in capsys.readouterr().out
