"""Java that is absent, fails, hangs or is too young: a reason beside the numbers, and nothing left behind."""

import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from wavbrivl.config.captions import CORENLP_JARS
from wavbrivl.evaluate.captions import java
from wavbrivl.evaluate.captions.java import Java, JavaError
from wavbrivl.evaluate.captions.scorers import NO_JAVA, score_captions
from wavbrivl.evaluate.intervals import value_of

REFERENCES = [["a bell rings", "the bell is ringing"], ["rain falls", "it rains"]]
SYSTEMS = {"one": ["a bell rings", "rain falls"]}


def program(path: Path, body: str) -> Path:
    """A script that stands in for Java."""
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def no_java(monkeypatch):
    monkeypatch.setattr(java, "_candidates", lambda: [])


def test_without_java_what_needs_none_is_scored_and_the_rest_says_so(no_java, tmp_path):
    board = score_captions(SYSTEMS, REFERENCES, ["bleu", "meteor", "rouge_l", "cider", "spice"], tmp_path)
    assert set(board.systems["one"]) == {*(f"bleu_{n}" for n in range(1, 5)), "rouge_l", "cider"}
    assert value_of(board.systems["one"]["bleu_1"].statistic, 2) == pytest.approx(1.0)
    assert "simple tokenizer of this project's own" in board.tokenizer
    assert NO_JAVA in board.tokenizer
    assert board.absent["meteor"] == NO_JAVA
    assert "CoreNLP" in board.absent["spice"]
    assert "SPICE" in board.absent["spider"]


def test_a_program_that_hangs_is_ended_and_named(tmp_path):
    mark = tmp_path / "pid"
    hanging = program(tmp_path / "java", f"open({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")
    started = time.monotonic()
    with pytest.raises(JavaError, match=r"METEOR did not end within 2 s"):
        java.meteor_statistics(Java(str(hanging), 17), ["a"], [["a"]], limit=2)
    assert time.monotonic() - started < 60
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_a_program_that_fails_is_quoted(tmp_path):
    failing = program(tmp_path / "java", "sys.stderr.write('out of\\nmemory'); sys.exit(3)")
    with pytest.raises(JavaError, match=r"the tokenizer failed with status 3: out of memory"):
        java.tokenize(Java(str(failing), 17), ["a"])


def test_a_program_that_answers_less_than_it_was_asked_is_not_believed(tmp_path):
    short = program(tmp_path / "java", "print('1.0 2.0')")
    with pytest.raises(JavaError, match="METEOR gave 1 lines for 2 captions"):
        java.meteor_statistics(Java(str(short), 17), ["a", "b"], [["a"], ["b"]])


def test_a_program_that_cannot_be_started_is_one_sentence(tmp_path):
    with pytest.raises(JavaError, match="could not be started"):
        java.tokenize(Java(str(tmp_path / "none"), 17), ["a"])


def test_meteor_that_fails_leaves_the_other_metrics(monkeypatch, tmp_path):
    failing = program(tmp_path / "java", "sys.exit(1)")
    monkeypatch.setattr(java, "find_java", lambda wanted=None: Java(str(failing), 17))
    board = score_captions(SYSTEMS, REFERENCES, ["meteor", "cider"], tmp_path)
    assert set(board.systems["one"]) == {"cider"}
    assert board.absent["meteor"].startswith("METEOR failed with status 1")
    assert "the tokenizer failed with status 1" in board.tokenizer


@pytest.mark.parametrize(
    ("said", "version"),
    [('openjdk version "17.0.15" 2025', 17), ('java version "1.8.0_292"', 8), ('openjdk version "11"', 11)],
)
def test_versions_are_read_as_java_writes_them(tmp_path, said, version):
    path = program(tmp_path / "java", f"sys.stderr.write({said!r})")
    assert java._version(str(path)) == version


def test_spice_is_run_where_its_java_and_its_parser_are(monkeypatch, tmp_path):
    """A stand-in reads SPICE's input and writes its output: what is tested is the way there and back."""
    (tmp_path / "spice").mkdir()
    monkeypatch.setattr(java, "_folder", lambda part: tmp_path / part)
    with pytest.raises(JavaError, match=r"CoreNLP 3\.6\.0, and stanford.* \(evaluate\.clotho\.corenlp\)"):
        java.spice_scores(["a"], [["a"]], tmp_path)
    for name in CORENLP_JARS:
        (tmp_path / name).touch()
    young = program(tmp_path / "young", "sys.stderr.write('openjdk version \"17.0.1\"')")
    monkeypatch.setattr(java, "_candidates", lambda: [str(young)])
    with pytest.raises(JavaError, match="SPICE needs Java 8 to 11"):
        java.spice_scores(["a"], [["a"]], tmp_path)
    answer = """
if "-version" in sys.argv:
    sys.stderr.write('openjdk version "11.0.2"'); sys.exit()
*_, program, place = sys.argv[:6]
assert program == "edu.anu.spice.SpiceScorer" and all(map(os.path.isfile, sys.argv[3].split(":")[1:]))
asked = json.load(open(place))
score = lambda row: len(set(row["test"].split()) & set(row["refs"][0].split())) / 10
rows = [{"image_id": row["image_id"], "scores": {"All": {"f": score(row)}}} for row in reversed(asked)]
json.dump(rows, open(sys.argv[sys.argv.index("-out") + 1], "w"))
"""
    old = program(tmp_path / "old", answer)
    monkeypatch.setattr(java, "_candidates", lambda: [str(young), str(old)])
    assert java.spice_scores(["a bell", "rain"], [["a bell rings"], ["snow"]], tmp_path) == [0.2, 0.0]
    board = score_captions(SYSTEMS, REFERENCES, ["cider", "spice"], tmp_path)
    spice, spider = (value_of(board.systems["one"][name].statistic, 2) for name in ("spice", "spider"))
    assert spice == pytest.approx(0.25)
    assert spider == pytest.approx((spice + value_of(board.systems["one"]["cider"].statistic, 2)) / 2)
    assert board.absent == {}
    assert json.dumps(board.tokenizer)
