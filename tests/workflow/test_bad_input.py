"""Wrong input ends before any job runs, with one sentence that names the file, row or key."""

import pytest

pytestmark = pytest.mark.workflow


def _refused(checkout, text, words):
    (checkout.path / "mine.yaml").write_text(text, encoding="utf-8")
    done = checkout.run(config="mine.yaml")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert not (checkout.path / "results").exists(), "a job ran"
    for word in words:
        assert word in output, output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trainin: {steps: 3}", ["unknown key 'trainin'"]),
        ("training: {momentum: 1.5}", ["training.momentum", "1.5"]),
        ("evaluate: {esc50: {path: nowhere}}", ["evaluate.esc50.path", "nowhere"]),
        ("corpus: {format: vggsound, clip_list: no.csv, sources: [{kind: youtube}]}", ["no.csv"]),
    ],
)
def test_wrong_configuration(checkout, text, words):
    _refused(checkout, text, words)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("abcdefghijk,1,dog barking\n", ["list.csv", "row 1"]),
        ("abcdefghijk,1,dog barking,train\n../../etc/pw,2,dog barking,train\n", ["list.csv", "row 2", "id"]),
        ("abcdefghijk,1,dog barking,train\nabcdefghijk,1,cat purring,train\n", ["list.csv", "row 2"]),
        ("abcdefghijk,one,dog barking,train\n", ["list.csv", "row 1", "one"]),
        ("abcdefghijk,1,dog barking,val\n", ["list.csv", "row 1", "val"]),
    ],
)
def test_wrong_clip_list(checkout, rows, words):
    (checkout.path / "list.csv").write_text(rows, encoding="utf-8")
    (checkout.path / "clips").mkdir()
    text = (
        "corpus: {name: mine, format: vggsound, clip_list: list.csv, clip_seconds: 10, "
        "sources: [{kind: folder, path: clips}]}"
    )
    _refused(checkout, text, words)
