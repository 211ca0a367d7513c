"""The command line: what it prints, what it writes, how it ends."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from tests.tiny_model import tone, write_images, write_run, write_sounds

from wavbrivl import WavBriVL
from wavbrivl.cli.main import COMMANDS, main
from wavbrivl.cli.output import print_table
from wavbrivl.findings import Finding


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_run(folder)
    write_sounds(folder / "sounds")
    write_images(folder / "images")
    return folder


@pytest.fixture
def there(run, monkeypatch):
    """The command, called in the run's folder: exit code, what it prints, what it says."""
    monkeypatch.chdir(run)
    return run


@pytest.fixture
def call(there, capsys):
    def call(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            code = end.code
        out, err = capsys.readouterr()
        return code, out, err

    return call


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(call, command):
    code, out, _ = call(command.NAME, "--help")
    assert code == 0
    assert f"wavbrivl {command.NAME}" in out.split("example:")[1]


def test_embed_prints_json_that_is_the_embedding(call, run):
    code, out, err = call(
        "embed", "--model", "model", "--format", "json", "sounds/tone0.wav", "sounds/tone1.wav"
    )
    expected = WavBriVL.from_pretrained(run / "model").embed_audio(
        [run / "sounds/tone0.wav", run / "sounds/tone1.wav"]
    )
    assert code == 0 and "sounds: 2 of 2" in err
    assert [row["item"] for row in lines(out)] == ["sounds/tone0.wav", "sounds/tone1.wav"]
    for row, a, g in zip(lines(out), expected.embedding, expected.projection, strict=True):
        np.testing.assert_allclose(row["embedding"], a, atol=1e-5)
        np.testing.assert_allclose(row["projection"], g, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "items"), [("image", ["images/scene0.jpg", "images/scene1.jpg"]), ("text", ["皮球", "箱子"])]
)
def test_embed_writes_matrices(call, tmp_path, kind, items):
    code, out, _ = call("embed", "--model", "model", "--kind", kind, "--out", tmp_path / "a.npz", *items)
    assert code == 0 and out == ""
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert file["ids"].tolist() == items
        assert file["projection"].shape == (2, 16) and "embedding" not in file
    assert call("embed", "--model", "model", "--out", "a.csv", "sounds/tone0.wav")[0] == 2


def test_embed_as_a_table(call):
    code, out, err = call("embed", "--model", "model", "--quiet", "sounds/tone0.wav")
    assert code == 0 and err == ""
    assert out.splitlines()[0].split() == ["item", "embedding", "projection"]
    assert "... (12)" in out and "... (16)" in out


def test_classify(call, run):
    code, out, _ = call(
        "classify", "--model", "model", "--labels", "皮球, 箱子", "--format", "json", "sounds/tone0.wav"
    )
    (expected,) = WavBriVL.from_pretrained(run / "model").classify(run / "sounds/tone0.wav", ["皮球", "箱子"])
    (row,) = lines(out)
    assert code == 0
    assert [label["label"] for label in row["labels"]] == list(expected)
    assert [label["cosine"] for label in row["labels"]] == pytest.approx(list(expected.values()), abs=1e-5)


def test_labels_come_from_files_and_sets(call, tmp_path):
    (tmp_path / "labels.txt").write_text("皮球\n\n箱子\n屋顶\n", encoding="utf-8")
    (tmp_path / "labels.csv").write_text("label,zh\nball,皮球\nbox,箱子\n", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("\n")
    start = ("classify", "--model", "model", "--format", "json", "--top", "50")
    _, out, _ = call(*start, "--labels-file", tmp_path / "labels.txt", "sounds/tone0.wav")
    assert {label["label"] for label in lines(out)[0]["labels"]} == {"皮球", "箱子", "屋顶"}
    _, out, _ = call(*start, "--labels-file", tmp_path / "labels.csv", "sounds/tone0.wav")
    words = {label["label"]: label["cosine"] for label in lines(out)[0]["labels"]}
    _, out, _ = call(*start, "--labels", "皮球,箱子", "sounds/tone0.wav")
    chinese = {label["label"]: label["cosine"] for label in lines(out)[0]["labels"]}
    assert words == {"ball": chinese["皮球"], "box": chinese["箱子"]}
    _, out, _ = call(*start, "--label-set", "esc50", "sounds/tone0.wav")
    assert len(lines(out)[0]["labels"]) == 50
    for bad in ("empty.txt", "absent.txt", "absent.csv"):
        code, _, err = call(*start, "--labels-file", tmp_path / bad, "sounds/tone0.wav")
        assert code == 1 and bad in err
    code, _, err = call(*start, "--labels", "皮球,皮球", "sounds/tone0.wav")
    assert code == 1 and "given twice" in err


def test_index_and_search(call, tmp_path):
    (tmp_path / "facts.csv").write_text("id,title\nimages/scene1.jpg,a box\nimages/none.jpg,?\n")
    code, out, err = call(
        "index", "--model", "model", "--kind", "image", "--out", tmp_path / "index", "--format", "json",
        "--metadata", tmp_path / "facts.csv", "images", "images/scene0.jpg",
    )  # fmt: skip
    assert code == 0
    assert lines(out) == [{"index": str(tmp_path / "index"), "items": 3, "failed": 0}]
    assert "1 ids are not in the index, first 'images/none.jpg'" in err
    code, out, _ = call(
        "search", "--model", "model", "--index", tmp_path / "index", "--format", "json", "--kind", "image",
        "images/scene1.jpg",
    )  # fmt: skip
    (row,) = lines(out)
    assert code == 0 and row["query"] == "images/scene1.jpg" and len(row["hits"]) == 3
    first = row["hits"][0]
    assert first == {
        "id": "images/scene1.jpg",
        "cosine": pytest.approx(1, abs=1e-5),
        "metadata": {"title": "a box"},
    }
    for kind, query in (("sound", "sounds/tone0.wav"), ("text", "皮球")):
        code, out, _ = call(
            "search", "--model", "model", "--index", tmp_path / "index", "--kind", kind, "--top", "2", query
        )
        assert code == 0 and len(out.splitlines()) == 3 and query in out


def test_an_index_of_another_teacher_is_refused(call, tmp_path):
    write_run(tmp_path, seed=5)
    images = ("--kind", "image", "--out", tmp_path / "index", "images")
    assert call("index", "--model", tmp_path / "model", *images)[0] == 0
    code, _, err = call("search", "--model", "model", "--index", tmp_path / "index", "sounds/tone0.wav")
    assert code == 1 and "another teacher" in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name\nimages/scene0.jpg\n", "no column 'id'"),
        ("id,a\nx,1,2\n", "line 2: another number of cells"),
        ("id,a\nx\n", "line 2: another number of cells"),
        ("id,a\nx,1\nx,2\n", "'x' stands there twice"),
    ],
)
def test_metadata_that_cannot_be_used(call, tmp_path, content, said):
    (tmp_path / "facts.csv").write_text(content)
    start = ("index", "--model", "model", "--kind", "image", "--out", tmp_path / "index")
    code, _, err = call(*start, "--metadata", tmp_path / "facts.csv", "images")
    assert code == 1 and said in err and not (tmp_path / "index").exists()


@pytest.fixture
def odd_files(tmp_path):
    soundfile.write(tmp_path / "long.wav", np.zeros(600 * 8000), 8000, subtype="PCM_U8")
    for name, rate, channels, subtype in [
        ("8bit", 8000, 1, "PCM_U8"), ("24bit", 44_100, 2, "PCM_24"), ("192k", 192_000, 1, "PCM_16"),
        ("surround", 48_000, 6, "PCM_16"),
    ]:  # fmt: skip
        soundfile.write(tmp_path / f"{name}.wav", tone(0.5, rate, 440, channels), rate, subtype=subtype)
    soundfile.write(tmp_path / "silence.wav", np.zeros(8000), 16_000)
    soundfile.write(tmp_path / "nan.wav", np.full(8000, np.nan), 16_000, subtype="FLOAT")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("no sound at all")
    (tmp_path / "folder").mkdir()
    return tmp_path


def test_every_odd_sound_is_a_row_or_one_sentence(call, odd_files, coded_video):
    good = [odd_files / f"{name}.wav" for name in ("long", "8bit", "24bit", "192k", "surround", "silence")]
    good.append(coded_video.path)
    bad = {
        odd_files / "nan.wav": "not numbers",
        odd_files / "empty.wav": "it is empty",
        odd_files / "text.wav": "not a readable sound file",
        odd_files / "folder": "a folder, not a sound file",
        odd_files / "absent.wav": "there is no such sound file",
    }
    code, out, err = call("embed", "--model", "model", "--format", "json", *bad, *good)
    assert code == 1
    assert [row["item"] for row in lines(out)] == [str(path) for path in good]
    for row in lines(out):
        assert np.isfinite(row["embedding"]).all()
        assert np.linalg.norm(row["projection"]) == pytest.approx(1, abs=1e-4)
    for path, said in bad.items():
        (sentence,) = [line for line in err.splitlines() if str(path) in line]
        assert sentence.startswith(f"wavbrivl: {path}: ") and said in sentence
    same = {row["item"]: row["embedding"] for row in lines(out)}
    (alone,) = lines(call("embed", "--model", "model", "--format", "json", odd_files / "24bit.wav")[1])
    np.testing.assert_allclose(alone["embedding"], same[str(odd_files / "24bit.wav")], atol=1e-5)


def test_nothing_that_can_be_read_is_a_failure_of_the_whole(call, odd_files, tmp_path):
    code, _, err = call("embed", "--model", "model", "--out", tmp_path / "a.npz", odd_files / "text.wav")
    assert code == 1 and "none of the 1 sounds could be read" in err and not (tmp_path / "a.npz").exists()
    code, _, err = call(
        "index", "--model", "model", "--kind", "sound", "--out", tmp_path / "i", odd_files / "folder"
    )
    assert code == 1 and "there is no sound in this folder" in err


def test_wrong_usage_and_wrong_models(call, tmp_path):
    for arguments in (
        [],
        ["nonsense"],
        ["embed"],
        ["embed", "--model", "model"],
        ["classify", "--model", "m", "a.wav"],
    ):
        assert call(*arguments)[0] == 2
    assert call("search", "--model", "model", "--index", "i", "--top", "0", "a.wav")[0] == 2
    code, out, err = call("embed", "--model", tmp_path, "sounds/tone0.wav")
    assert (code, out) == (1, "")
    assert err == f"wavbrivl: {tmp_path} is not a model's folder: config.json is missing\n"
    assert call("search", "--model", "model", "--index", tmp_path, "sounds/tone0.wav")[0] == 1


def test_the_doctor_hands_on_a_checkpoint_and_ends_by_what_it_is_told(call, monkeypatch, tmp_path):
    told, asked = [Finding("checkpoint", "ok", "the NMI variant")], []
    report = SimpleNamespace(inspect_checkpoint=lambda *given: asked.append(given) or told)
    monkeypatch.setitem(sys.modules, "wavbrivl.teacher.report", report)
    (tmp_path / "a.pth").write_bytes(b"")
    code, out, _ = call("doctor", "--checkpoint", tmp_path / "a.pth", "--images", tmp_path)
    assert code == 0 and "the NMI variant" in out and asked == [(tmp_path / "a.pth", tmp_path)]
    told[0] = Finding("checkpoint", "failed", "3 keys are missing")
    assert call("doctor", "--checkpoint", tmp_path / "a.pth")[0] == 1
    told[0] = Finding("checkpoint", "absent", "there is no such file")
    assert call("doctor", "--checkpoint", tmp_path / "b.pth")[0] == 1


def test_the_doctor_ends_no_list_at_a_dataset_it_does_not_know(call, tmp_path):
    (tmp_path / "odd").mkdir()
    code, out, err = call("doctor", "--format", "json", "--dataset", tmp_path / "odd")
    findings = [json.loads(line) for line in out.splitlines()]
    assert code == 1 and not err and len(findings) > 3
    assert findings[-1]["subject"] == "dataset" and findings[-1]["state"] == "failed"


def test_a_file_in_a_folders_place_is_one_sentence(call, tmp_path):
    (tmp_path / "taken").write_text("")
    code, _, err = call("embed", "--model", "model", "--out", tmp_path / "taken/x.npz", "sounds/tone0.wav")
    assert code == 1 and err.splitlines()[-1].startswith("wavbrivl: ") and "Traceback" not in err
    assert "sounds" not in err  # nothing was embedded for nothing


def test_images_without_anything_to_embed_them_are_said_to_be_of_no_use(call, tmp_path):
    code, out, _ = call("doctor", "--images", tmp_path, "--format", "json")
    assert code == 0
    assert "--images has no use without --checkpoint or --model" in lines(out)[-1]["message"]


def test_tables_are_as_wide_as_they_look(capsys):
    print_table(("a", "b"), [("狗叫", "1"), ("rain", "2")])
    assert capsys.readouterr().out == "a     b\n狗叫  1\nrain  2\n"


def test_whoever_stops_reading_is_no_traceback(there, monkeypatch, capfd):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        code = main(["embed", "--model", "model", "--quiet", "--format", "json", "sounds/tone0.wav"])
    assert code == 1 and capfd.readouterr().err == ""


def test_as_a_process(tmp_path):
    command = [sys.executable, "-m", "wavbrivl"]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert all(command.NAME in done.stdout for command in COMMANDS)
    wrong = subprocess.run([*command, "nonsense"], capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr
