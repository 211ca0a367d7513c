"""Coverage: counts by cause, split and class, the missing ids, and the state of an unfinished corpus."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.corpus_videos import clip_of

from wavbrivl.corpus.clips import write_manifest
from wavbrivl.corpus.coverage import as_text, survey, write_coverage
from wavbrivl.corpus.ledger import LedgerRow, Status, coverage, write_ledger
from wavbrivl.corpus.spool import Spool
from wavbrivl.errors import UserError
from wavbrivl.publish.coverage import coverage_figure

SUMMARY = {
    "list": "a list, sha256 00",
    "leakage": {"excluded_clips": 3, "videos_in": {"evaluation.csv": {"clips": 3, "videos": 2}}},
}
FATES = {
    "train-00000": [Status.OK, Status.OK, Status.GONE, Status.PRIVATE],
    "train-00001": [Status.OK, Status.GONE],
    "test-00000": [Status.NETWORK, Status.OK],
}


@pytest.fixture
def corpus(tmp_path) -> Path:
    for number, (shard, fates) in enumerate(FATES.items()):
        split = shard.split("-")[0]
        clips = [clip_of(f"v{number}{i}", 0, 1000, split=split) for i in range(len(fates))]
        write_manifest(tmp_path / "manifest" / f"{shard}.csv", clips)
        rows = [
            LedgerRow(clip.clip_id, fate, "", "youtube", 1, silence=fate == Status.OK, still=False)
            for clip, fate in zip(clips, fates, strict=True)
        ]
        write_ledger(tmp_path / "media" / f"{shard}.ledger.csv", rows)
    (tmp_path / "manifest" / "summary.json").write_text(json.dumps(SUMMARY))
    return tmp_path


def files(corpus: Path) -> tuple[list[Path], list[Path]]:
    return (
        [corpus / "manifest" / f"{shard}.csv" for shard in FATES],
        [corpus / "media" / f"{shard}.ledger.csv" for shard in FATES],
    )


def surveyed(corpus: Path, out: Path):
    return survey(*files(corpus), ("train", "validation", "test"), out / "missing.csv")


def test_counts_agree_with_the_ledgers_and_every_missing_clip_is_listed(corpus, tmp_path):
    out = tmp_path / "out"
    report = write_coverage(out, surveyed(corpus, out), SUMMARY)
    assert {key: report[key] for key in ("expected", "found", "missing")} == coverage(files(corpus)[1])
    assert report["splits"]["train"] == {"expected": 6, "found": 3, "missing": {"gone": 2, "private": 1}}
    assert report["splits"]["validation"] == {"expected": 0, "found": 0, "missing": {}}
    assert report["quality"] == {"silent": 4, "still": 0}
    assert report["leakage"]["excluded_clips"] == 3
    assert json.loads((out / "coverage.json").read_text()) == report
    rows = list(csv.DictReader((out / "missing.csv").open()))
    assert [(row["clip_id"], row["status"]) for row in rows] == [
        ("v02_0_1000", "gone"), ("v03_0_1000", "private"), ("v11_0_1000", "gone"), ("v20_0_1000", "network"),
    ]  # fmt: skip
    classes = list(csv.DictReader((out / "by_class.csv").open()))
    assert classes[0] == {
        "split": "train", "label": "label", "expected": "6", "found": "3",
        "gone": "2", "network": "0", "private": "1",
    }  # fmt: skip
    text = (out / "coverage.txt").read_text()
    assert "50.0% of the clips are there" in text and "evaluation.csv: 3 clips of 2 videos" in text


def test_a_clip_of_several_labels_counts_for_each(tmp_path):
    clips = [
        replace(clip_of(f"v{i}", 0, 1000), label=label) for i, label in enumerate(("Dog;Bark", "Dog", ""))
    ]
    write_manifest(tmp_path / "m.csv", clips)
    write_ledger(tmp_path / "l.csv", [LedgerRow(clip.clip_id, Status.OK) for clip in clips])
    counted = survey([tmp_path / "m.csv"], [tmp_path / "l.csv"], ("train",), tmp_path / "missing.csv")
    found = {label: counts["ok"] for (_, label), counts in counted.by_class.items()}
    assert found == {"Dog": 2, "Bark": 1, "": 1} and counted.by_split["train"]["ok"] == 3


def test_the_figure_is_the_same_for_the_same_counts(corpus, tmp_path):
    counted = surveyed(corpus, tmp_path)
    report = write_coverage(tmp_path, counted, SUMMARY)
    for name in ("a.png", "b.png"):
        coverage_figure(tmp_path / name, report, counted.by_class)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_nothing_at_all_is_a_report_too(tmp_path):
    counted = survey([], [], ("train",), tmp_path / "missing.csv")
    report = write_coverage(tmp_path, counted, {})
    assert report["expected"] == 0 and "0.0%" in as_text(report)
    coverage_figure(tmp_path / "empty.png", report, counted.by_class)


def test_a_ledger_of_another_list_is_named(corpus, tmp_path):
    manifests, ledgers = files(corpus)
    with pytest.raises(UserError, match="train-00000"):
        survey(manifests, ledgers[::-1], ("train",), tmp_path / "missing.csv")
    assert not (tmp_path / "missing.csv").exists()


def test_the_state_of_an_unfinished_corpus(corpus, tmp_path):
    media = corpus / "media"
    (corpus / "clips").mkdir()
    (media / "train-00001.ledger.csv").rename(corpus / "clips" / "train-00001.ledger.csv")
    (media / "train-00000.ledger.csv").unlink()
    store = Spool(corpus / "spool" / "train-00000")
    store.keep([LedgerRow("v02_0_1000", Status.GONE, "removed", "youtube", 1)])
    with store.journal.open("a") as handle:
        handle.write('[["v03_0')  # a line that is being written
    command = [sys.executable, "-m", "wavbrivl.corpus.coverage", str(corpus), "--out", str(tmp_path / "now")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    report = json.loads((tmp_path / "now" / "coverage.json").read_text())
    assert report["missing"] == {"gone": 2, "network": 1, "pending": 3}
    assert report["found"] == 2
    assert "pending" in done.stdout
    assert store.journal.read_text().endswith('[["v03_0'), "looking changes nothing"
