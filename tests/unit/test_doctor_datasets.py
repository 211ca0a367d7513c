"""The doctor on dataset folders in their publishers' layouts: whole, incomplete, broken."""

import csv
import shutil

import pytest
from tests.tiny_model import write_sounds

from wavbrivl.cli.main import main
from wavbrivl.corpus.registry import read_registry
from wavbrivl.doctor.datasets import CHECKS, how_to_get, inspect_dataset, recognise
from wavbrivl.doctor.layouts import CLOTHO, VEGAS
from wavbrivl.errors import UserError


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return write_sounds(tmp_path_factory.mktemp("sounds"), 1)[0]


def table(path, header, rows, delimiter=","):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter=delimiter, lineterminator="\n")
        writer.writerows([header, *rows])


def copies(sound, *paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sound, path)


def esc50(folder, sound):
    header = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    names = [f"{fold}-{fold}-A-0.wav" for fold in range(1, 6)]
    table(folder / "meta/esc50.csv", header, [[n, n[0], 0, "dog", "False", n[0], "A"] for n in names])
    files = [folder / "audio" / name for name in names]
    copies(sound, *files)
    return files


def urbansound8k(folder, sound):
    header = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]
    names = [f"{i}-3-0-0.wav" for i in range(1, 4)]
    table(
        folder / "metadata/UrbanSound8K.csv", header, [[n, n[0], 0, 1, 1, n[0], 3, "dog_bark"] for n in names]
    )
    files = [folder / f"audio/fold{name[0]}" / name for name in names]
    copies(sound, *files)
    return files


def desed(folder, sound):
    header, names = ["filename", "onset", "offset", "event_label"], ["a_0_10.wav", "b_0_10.wav", "b_0_10.wav"]
    for split in ("eval/public", "validation/validation"):
        table(folder / "dataset/metadata" / f"{split}.tsv", header, [[n, 0, 1, "Dog"] for n in names], "\t")
    files = [folder / "dataset/audio" / place for place in (
        "eval/public/a_0_10.wav", "eval/public/b_0_10.wav", "validation/a_0_10.wav", "validation/b_0_10.wav"
    )]  # fmt: skip
    copies(sound, *files)
    return files


def clotho(folder, sound):
    header = ["file_name", *(f"caption_{i}" for i in range(1, 6))]
    for split in CLOTHO:
        table(folder / f"clotho_captions_{split}.csv", header, [["two  spaces, #1.wav", *"abcde"]])
    files = [folder / split / "two  spaces, #1.wav" for split in CLOTHO]
    copies(sound, *files)
    return files


def vegas(folder, sound):
    files = [folder / "data" / name / "videos" / "video_00001.mp4" for name in VEGAS]
    copies(sound, *files)
    return files


def vggsound(folder, sound):
    rows = [("-abcdefghi_", "30", "dog", "train"), ("ab_defghijk", "1", "a, b", "test")]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "vggsound.csv").open("w", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)
    files = [folder / "videos/-abcdefghi__000030.mp4", folder / "videos/ab_defghijk_1000_11000.mp4"]
    copies(sound, *files)
    return files


MAKERS = {
    "ESC-50": esc50,
    "UrbanSound8K": urbansound8k,
    "DESED": desed,
    "Clotho": clotho,
    "VEGAS": vegas,
    "VGG-Sound": vggsound,
}


def text(findings, state=None):
    return " | ".join(f.message for f in findings if state in (None, f.state))


@pytest.fixture(params=MAKERS)
def made(request, tmp_path, sound):
    """A dataset's name, its folder and its sound files."""
    files = MAKERS[request.param](tmp_path / "data", sound)
    return request.param, tmp_path / "data", files


def test_every_dataset_is_recognised_and_its_files_are_opened(made):
    name, folder, _ = made
    assert set(MAKERS) == set(CHECKS) and recognise(folder) == name
    findings = inspect_dataset(folder)
    assert {finding.subject for finding in findings} == {name}
    assert "failed" not in {finding.state for finding in findings}
    assert "of them opened" in text(findings, "ok")
    assert "published are" in text(findings, "warning")  # a handful of files is not the dataset
    assert how_to_get(name) in text(findings)
    assert findings == inspect_dataset(folder, name)


def test_a_missing_an_empty_and_a_broken_file_are_found(made):
    name, folder, files = made
    files[-1].write_text("no sound")
    assert str(files[-1]) in text(inspect_dataset(folder, name), "warning")
    files[-1].write_bytes(b"")
    assert "files are empty" in text(inspect_dataset(folder, name), "warning")
    files[-1].unlink()
    findings = inspect_dataset(folder, name)
    said = text(findings, "warning") + text(findings, "absent") + text(findings, "failed")
    assert files[-1].name in said or files[-1].parent.name in said or "1 of 2 clips" in said


def test_nothing_there_says_how_to_get_it(made, tmp_path):
    name, folder, files = made
    for path in files:
        path.unlink()
    findings = inspect_dataset(folder, name)
    assert {"failed", "absent"} & {finding.state for finding in findings}
    assert how_to_get(name) in text(findings)
    (gone,) = inspect_dataset(tmp_path / "nowhere", name)
    assert gone.state == "failed" and how_to_get(name) in gone.message


@pytest.mark.parametrize("name", MAKERS)
def test_the_way_to_get_a_dataset_is_the_registry_s(name):
    entry = read_registry()[name]
    said = how_to_get(name)
    assert entry.licence in said
    if entry.method == "files":
        assert f"snakemake --cores 1 data/benchmarks/{name}/dataset.json" in said
    else:
        assert entry.versions[entry.default].files[0].address in said


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("metadata/UrbanSound8K.csv", b"a,b\n1,2\n"),
        ("metadata/UrbanSound8K.csv", b"\xff\xfe\x00"),
        ("metadata/UrbanSound8K.csv", b""),
    ],
)
def test_a_table_that_cannot_be_read_is_failed(tmp_path, path, content):
    (tmp_path / path).parent.mkdir()
    (tmp_path / path).write_bytes(content)
    assert "UrbanSound8K.csv" in text(inspect_dataset(tmp_path), "failed")


def test_unknown_folders_and_names(tmp_path, capsys):
    with pytest.raises(UserError, match="no known layout; name it with --as"):
        inspect_dataset(tmp_path)
    with pytest.raises(UserError, match="no check for a dataset 'FSD50K'"):
        inspect_dataset(tmp_path, "FSD50K")
    assert main(["doctor", "--dataset", str(tmp_path), "--as", "ESC-50"]) == 1
    assert "esc50.csv" in capsys.readouterr().out


def test_real_tables_have_the_published_counts(real_data, tmp_path):
    shutil.copytree(real_data / "UrbanSound8K", tmp_path / "us8k" / "metadata")
    assert "8732 rows in UrbanSound8K.csv" in text(inspect_dataset(tmp_path / "us8k"), "ok")
    for split in ("eval/public", "validation/validation"):
        path = tmp_path / "desed" / "metadata" / f"{split}.tsv"
        path.parent.mkdir(parents=True)
        shutil.copy(real_data / "DESED" / path.name, path)
    findings = inspect_dataset(tmp_path / "desed")
    assert "692 files in public.tsv" in text(findings, "ok") and "1168 files in validation.tsv" in text(
        findings, "ok"
    )
    shutil.copytree(real_data / "Clotho", tmp_path / "clotho")
    assert "1045 rows in clotho_captions_evaluation.csv" in text(inspect_dataset(tmp_path / "clotho"), "ok")
