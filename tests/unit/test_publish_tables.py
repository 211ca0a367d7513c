"""Tables 1 and 2: measured and published apart, a reason in every empty cell."""

import csv
from pathlib import Path

import numpy as np
import pytest

from wavbrivl.errors import UserError
from wavbrivl.evaluate.intervals import Difference
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.places import metrics_path
from wavbrivl.evaluate.result import Coverage, FoldScores, Prompts, Result, metric, write_result
from wavbrivl.publish.cells import Reasons, collect
from wavbrivl.publish.differences import Comparison, compare_all, write_differences
from wavbrivl.publish.layout import (
    CAPTIONS_ONLY,
    FURTHER_COLUMNS,
    NOT_SUPERVISED,
    TABLE2_COLUMNS,
    TABLE2_ROWS,
)
from wavbrivl.publish.summary import summary
from wavbrivl.publish.table1 import write_table1
from wavbrivl.publish.tables import markdown_table, write_table2


def result(task, encoder, dataset="embedded ESC-50", classes=10, **metrics):
    missing = {"unreadable": 1} if encoder == "logmel" else {}
    found = 200 - len(missing)
    return Result(
        task=task,
        dataset=dataset,
        split="all folds",
        protocol="p",
        encoder=encoder,
        n=found,
        coverage=Coverage(expected=200, found=found, missing=missing),
        seed=7,
        metrics={
            name: metric(value, (value - 0.05, value + 0.05), 0.1, extra)
            for name, (value, extra) in metrics.items()
        },
        intervals="bootstrap",
        classes=classes,
    )


@pytest.fixture
def metrics(tmp_path):
    retrieval = {"mrr_audio_to_image": (0.5, 0.29), "mrr_image_to_audio": (0.4, 0.29)}
    results = [
        result("esc50", "wavbrivl", accuracy=(0.9, None)),
        result("esc50", "logmel", accuracy=(0.6, None)),
        result("esc50_zeroshot", "wavbrivl", accuracy=(0.7, None)),
        result("vggsound_retrieval", "wavbrivl", "embedded", 12, **retrieval),
    ]
    paths = [Path(metrics_path(str(tmp_path / "metrics"), r.encoder, r.task)) for r in results]
    for path, one in zip(paths, results, strict=True):
        write_result(path, one)
    return paths


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


REASONS = Reasons({"openl3": "not measured: no weights at x", "clap": "not measured: no weights at y"},
                  {"vggsound": "not measured: no labels"})  # fmt: skip


def test_every_cell_has_a_number_or_a_reason(metrics, tmp_path):
    write_table2(tmp_path / "t.csv", tmp_path / "t.md", collect(metrics), reasons=REASONS)
    rows = rows_of(tmp_path / "t.csv")
    assert len(rows) == (len(TABLE2_ROWS) + 1) * len(TABLE2_COLUMNS + FURTHER_COLUMNS)
    assert all(bool(row["measured"]) != bool(row["note"]) for row in rows)
    cells = {(row["model"], row["column"]): row for row in rows}
    own = cells["WavBriVL", "ESC-50 ACC"]
    assert (own["measured"], own["ci95_low"], own["n"], own["published"]) == ("0.9", "0.85", "200", "0.9117")
    assert cells["WavBriVL (ZS)", "ESC-50 ACC"]["measured"] == "0.7"
    assert cells["WavBriVL", "A→I MRR"]["class_only"] == "0.29"
    assert cells["OpenL3", "ESC-50 ACC"]["note"] == "not measured: no weights at x"
    assert cells["clap", "Clotho CIDEr"]["note"] == "not measured: no weights at y"
    assert cells["WavBriVL", "VGG-Sound mAP"]["note"] == "not measured: no labels"
    assert cells["Wav2CLIP", "ESC-50 ACC"]["note"] == "not measured: not part of this run"
    assert cells["WavBriVL (ZS)", "A→I MRR"]["note"].startswith("not measured: zero-shot is not defined")
    assert cells["WavBriVL", "DESED F1"]["note"] == "not measured: the task desed is not part of this run"
    assert cells["SOTA", "ESC-50 ACC"]["note"].startswith("not measured: the best of several")
    assert cells["Log-mel statistics", "ESC-50 ACC"]["published"] == ""


GOLDEN = (
    "| Model | ESC-50 ACC, measured | ESC-50 ACC, published |\n"
    "| --- | --- | --- |\n"
    "| Supervise | – [1] | 0.5200 |\n"
    "| OpenL3 | – [2] | 0.733 |\n"
    "| Wav2CLIP | – [1] | 0.8595 |\n"
    "| WavBriVL | 0.900 [0.850, 0.950]; n 200, 200 of 200 | 0.9117 |\n"
    "| SOTA | – [3] | 0.959 |\n"
    "| WavBriVL (ZS) | 0.700 [0.650, 0.750]; n 200, 200 of 200 | 0.412 |\n"
    "| Random weights | – [1] | – |\n"
    "| Log-mel statistics | 0.600 [0.550, 0.650]; n 199, 199 of 200 (1 unreadable) | – |\n"
)


def test_markdown_as_it_is_printed(metrics, tmp_path):
    comparison = Comparison("esc50", "accuracy", "logmel", Difference(0.3, (0.2, 0.4)))
    reasons = Reasons({"openl3": "not measured: no weights at x"})
    write_table2(
        tmp_path / "t.csv", tmp_path / "t.md", collect(metrics), [comparison], reasons, TABLE2_COLUMNS[:1], ()
    )
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert GOLDEN in text
    assert "[2] not measured: no weights at x\n" in text
    assert "- ESC-50 ACC: embedded ESC-50, all folds; chance 0.1; bootstrap\n" in text
    assert "- esc50, accuracy, against logmel: +0.300 [+0.200, +0.400]\n" in text
    assert "- OpenL3: paper, Table 2, row 'OpenL3'; believed to be copied from Wav2CLIP's paper" in text


def test_a_part_of_the_folds_is_named_and_scratch_training_has_its_own_reason(metrics, tmp_path):
    scratch = result("esc50", "supervised", accuracy=(0.55, None))
    path = tmp_path / "metrics/supervised/esc50.json"
    write_result(path, scratch.model_copy(update={"split": "fold 1 of 5"}))
    write_table2(tmp_path / "t.csv", tmp_path / "t.md", collect([*metrics, path]))
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert "| Supervise | 0.550 [0.500, 0.600]; fold 1 of 5, n 200, 200 of 200 | 0.5200 |" in text
    assert f"] {NOT_SUPERVISED}\n" in text


def test_the_class_alone_is_stated_beside_retrieval(metrics, tmp_path):
    write_table2(tmp_path / "t.csv", tmp_path / "t.md", collect(metrics))
    assert "A→I MRR: embedded, all folds; chance 0.1; perfect knowledge of the class alone 0.2900" in (
        tmp_path / "t.md"
    ).read_text(encoding="utf-8")


def test_table1_puts_the_measured_n_beside_the_published_size(metrics, tmp_path):
    write_table1(tmp_path / "t.csv", tmp_path / "t.md", collect(metrics))
    rows = rows_of(tmp_path / "t.csv")
    esc50 = [row for row in rows if row["dataset"] == "ESC-50"]
    assert [row["measured_as"] for row in esc50] == ["esc50", "esc50_zeroshot"]
    assert esc50[0]["published_source"] == "paper, Table 1, row 'ESC-50 MC/ZS'"
    assert "clips: the dataset's size as the paper rounds it" in esc50[0]["published_origin"]
    assert all(row["published_source"] and row["published_origin"] for row in rows)
    assert all(bool(row["n"]) != row["note"].startswith("not measured: ") for row in rows)
    assert len(rows) == 10, "a line for each task, measured or not"
    assert (esc50[0]["clips_published"], esc50[0]["classes_published"]) == ("2k (5 folds)", "50")
    assert (esc50[0]["measured_on"], esc50[0]["n"], esc50[0]["classes"]) == ("embedded ESC-50", "200", "10")
    reasons = Reasons(tasks={"vggsound": "not measured: no labels"})
    write_table1(tmp_path / "r.csv", tmp_path / "r.md", collect(metrics), reasons)
    assert "not measured: no labels" in (tmp_path / "r.md").read_text(encoding="utf-8")
    desed = next(row for row in rows if row["dataset"] == "DESED")
    assert (desed["n"], desed["note"]) == ("", "not measured: the task desed is not part of this run")
    assert len((tmp_path / "t.md").read_text(encoding="utf-8").splitlines()) == 4 + len(rows)


def test_folds_and_prompts_are_printed_with_the_number(metrics, tmp_path):
    folds = FoldScores(fold=[1, 2], n=[100, 100], values=[0.85, 0.95], mean=0.9, spread=0.0707)
    prompts = Prompts(
        language="zh", templates=["{}", "{}的声音"], labels={"dog": "狗", "rain": "雨", "bell": "铃"}
    )
    accuracy = metric(0.7, (0.6, 0.8), 0.1, majority=0.25)
    update = {"esc50": {"folds": {"accuracy": folds}}, "esc50_zeroshot": {"prompts": prompts}}
    update["esc50_zeroshot"]["metrics"] = {"accuracy": accuracy}
    results = {key: one.model_copy(update=update.get(key[1], {})) for key, one in collect(metrics).items()}
    write_table2(tmp_path / "t.csv", tmp_path / "t.md", results)
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert "| WavBriVL | 0.900 [0.850, 0.950]; 2 folds 0.900 ± 0.071; n 200, 200 of 200 |" in text
    assert (
        "- ESC-50 ACC: embedded ESC-50, all folds; 6 prompts in 'zh', 3 labels in 2 templates whose "
        "embeddings are averaged: `{}`, `{}的声音`; chance 0.1; "
        "the most frequent class said of everything 0.25\n" in text
    )
    cells = {(row["model"], row["column"]): row for row in rows_of(tmp_path / "t.csv")}
    own, zero = cells["WavBriVL", "ESC-50 ACC"], cells["WavBriVL (ZS)", "ESC-50 ACC"]
    assert (own["split"], own["fold_mean"], own["fold_spread"]) == ("all folds", "0.9", "0.0707")
    assert (zero["majority"], zero["fold_mean"]) == ("0.25", "")


def test_the_row_without_a_search_says_so(metrics, tmp_path):
    write_table2(tmp_path / "t.csv", tmp_path / "t.md", collect(metrics))
    assert "- Supervise: trained end to end with the configured steps and rate" in (
        tmp_path / "t.md"
    ).read_text(encoding="utf-8")
    remarks = {row["model"]: row["remark"] for row in rows_of(tmp_path / "t.csv")}
    assert "no search" in remarks["Supervise"] and remarks["WavBriVL"] == ""


def test_one_caption_for_all_stands_among_captions_only(metrics, tmp_path):
    captions = [
        result("clotho_captioning", name, cider=(value, None))
        for name, value in (("caption_frequency", 0.3), ("wavbrivl", 1.8))
    ]
    results = collect(metrics) | {(one.encoder, one.task): one for one in captions}
    write_table2(tmp_path / "t.csv", tmp_path / "t.md", results)
    paper, beside = (tmp_path / "t.md").read_text(encoding="utf-8").split("Measured beside them")
    assert "One caption for all" not in paper and "caption_frequency" not in paper
    assert "| One caption for all | –" in beside and "0.300 [0.250, 0.350]" in beside
    rows = [row for row in rows_of(tmp_path / "t.csv") if row["model"] == "One caption for all"]
    assert {row["note"] for row in rows if not row["measured"] and "Clotho" not in row["column"]} == {
        CAPTIONS_ONLY
    }


def test_bars_in_a_cell_do_not_break_the_table():
    assert markdown_table(["a"], [["x|y"]]).splitlines()[-1] == "| x\\|y |"


def test_two_files_for_one_number_are_refused(metrics, tmp_path):
    copy = tmp_path / "copy.json"
    copy.write_bytes(metrics[0].read_bytes())
    with pytest.raises(UserError, match="second metrics file of 'wavbrivl' for 'esc50'"):
        collect([*metrics, copy])


def test_differences_are_paired_with_the_trained_encoder(tmp_path):
    names = [str(i) for i in range(40)]
    hits = np.arange(40) % 2
    make = {"wavbrivl": np.ones(40), "logmel": hits, "random": np.ones(40)}
    tables = {
        ("esc50", encoder): Items(names, names, ["a"] * 40, {"accuracy": values})
        for encoder, values in make.items()
    }
    comparisons = compare_all(tables, 200, 1)
    assert [(one.against, one.difference.value, one.above) for one in comparisons] == [
        ("logmel", 0.5, True),
        ("random", 0.0, False),
    ]
    write_differences(tmp_path / "d.csv", comparisons)
    assert rows_of(tmp_path / "d.csv")[1] | {} == {
        "task": "esc50",
        "score": "accuracy",
        "trained": "wavbrivl",
        "against": "random",
        "difference": "0",
        "ci95_low": "0",
        "ci95_high": "0",
    }


def test_the_summary_names_numbers_and_places(metrics, tmp_path):
    text = summary("demo", metrics, {"tables": tmp_path / "tables", "report": tmp_path / "report.html"})
    assert "ESC-50, multi-class accuracy   0.900 [0.850, 0.950]   chance 0.100, n 200 of 200" in text
    assert "beside it: logmel 0.600" in text
    assert "class alone 0.290" in text
    assert f"tables  {tmp_path / 'tables'}" in text
    assert f"report  {tmp_path / 'report.html'}" in text
