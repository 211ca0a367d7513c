"""The metrics file: what others rely on is there, and nothing that is not a number gets in."""

import json

import pytest
from pydantic import ValidationError

from wavbrivl.errors import UserError
from wavbrivl.evaluate.places import metrics_path
from wavbrivl.evaluate.result import (
    Coverage,
    Exclusion,
    Metric,
    Result,
    coverage_of,
    metric,
    read_result,
    write_result,
)


def result(**changes):
    values = {
        "task": "esc50",
        "dataset": "ESC-50",
        "split": "all folds",
        "protocol": "five folds",
        "encoder": "wavbrivl",
        "n": 9,
        "coverage": Coverage(expected=10, found=9, missing={"unreadable": 1}),
        "seed": 7,
        "metrics": {"accuracy": metric(0.5, (0.4, 0.6), 0.1)},
        "intervals": "bootstrap",
    }
    return Result(**values | changes)


def test_the_file_has_the_promised_keys(tmp_path):
    write_result(tmp_path / "esc50.json", result())
    values = json.loads((tmp_path / "esc50.json").read_text())
    promised = ["task", "dataset", "split", "protocol", "encoder", "n", "coverage", "seed", "metrics"]
    assert list(values)[:9] == promised
    assert values["coverage"] == {"expected": 10, "found": 9, "missing": {"unreadable": 1}}
    assert values["metrics"] == {"accuracy": {"value": 0.5, "ci95": [0.4, 0.6], "chance": 0.1}}


def test_reading_gives_back_what_was_written(tmp_path):
    written = result(exclusions=[Exclusion(item="a.wav", cause="unreadable")], gallery=9)
    write_result(tmp_path / "x.json", written)
    assert read_result(tmp_path / "x.json") == written


def test_a_null_interval_keeps_its_key_and_its_reason(tmp_path):
    write_result(tmp_path / "x.json", result(metrics={"accuracy": metric(0.5, None, 0.1)}))
    values = json.loads((tmp_path / "x.json").read_text())["metrics"]["accuracy"]
    assert values["ci95"] is None
    assert "one source recording" in values["reason"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_is_refused(value):
    with pytest.raises(ValidationError):
        metric(value, (0.0, 1.0), 0.1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ci95": None}, "needs a reason"),
        ({"chance": None}, "needs a reason"),
        ({"ci95": (0.6, 0.4)}, "ends before it begins"),
    ],
)
def test_an_unsound_metric_is_refused(changes, message):
    values = {"value": 0.5, "ci95": (0.4, 0.6), "chance": 0.1}
    with pytest.raises(ValidationError, match=message):
        Metric(**values | changes)


def test_coverage_must_add_up():
    with pytest.raises(ValidationError, match="together"):
        Coverage(expected=10, found=9)
    causes = ["absent", "unreadable", "absent"]
    counted = coverage_of(10, [Exclusion(item=str(i), cause=cause) for i, cause in enumerate(causes)])
    assert counted == Coverage(expected=10, found=7, missing={"absent": 2, "unreadable": 1})


def test_a_broken_file_is_named_with_its_key(tmp_path):
    path = tmp_path / "esc50.json"
    with pytest.raises(UserError, match="no such metrics file"):
        read_result(path)
    path.write_text("{")
    with pytest.raises(UserError, match=r"esc50\.json: not a metrics file"):
        read_result(path)
    path.write_text('{"task": "esc50"}')
    with pytest.raises(UserError, match="key 'dataset'"):
        read_result(path)


def test_baselines_lie_in_folders_of_their_own():
    assert metrics_path("metrics", "wavbrivl", "esc50") == "metrics/esc50.json"
    assert metrics_path("metrics", "logmel", "esc50") == "metrics/logmel/esc50.json"
